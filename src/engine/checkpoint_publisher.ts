/**
 * Keeps the newest checkpoint outside the ledger: replaced in the `anchor` file, appended to `checkpoints.file`, handed to
 * `checkpoints.command` on its standard input.
 *
 * Invariant: a checkpoint that could not be kept is kept at the next turn, or a newer one is.
 */

import type { CheckpointConfig } from "../config/config.ts";
import { utf8Encode } from "../core/bytes.ts";
import { replaceFile } from "../ledger/disk/durable_file.ts";
import type { LogHead, SignedHead } from "./log_head.ts";

export interface CheckpointPublisherParts {
  readonly head: Pick<LogHead, "newest">;
  readonly anchor: string | null;
  readonly config: CheckpointConfig;
  /** Runs a command with this text on its standard input. */
  readonly run: (command: readonly string[], input: string) => Promise<void>;
  readonly onFailure: (where: CheckpointFailure, error: unknown) => void;
}

/** `log`: there was no checkpoint to keep, because the log could not be read. */
export type CheckpointFailure = "log" | "anchor" | "file" | "command";

export class CheckpointPublisher {
  #published = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #publishing: Promise<void> = Promise.resolve();

  constructor(private readonly parts: CheckpointPublisherParts) {}

  start(): void {
    const { anchor, config } = this.parts;
    if (anchor === null && config.file === null && config.command === null) return;
    this.#timer = setInterval(() => this.publish(), config.intervalMs);
  }

  /** One at a time, and none for a log that has not grown. Never rejects. */
  publish(): Promise<void> {
    const { head, onFailure } = this.parts;
    this.#publishing = this.#publishing
      .then(() => this.#keep(head.newest()))
      .catch((error: unknown) => onFailure("log", error));
    return this.#publishing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.publish();
  }

  async #keep({ size, text }: SignedHead): Promise<void> {
    const { anchor, config, run } = this.parts;
    if (size === this.#published) return;
    const { file, command } = config;
    const written = await Promise.all([
      anchor === null ||
      this.#attempt("anchor", () => replaceFile(anchor, utf8Encode(text), 0o644)),
      file === null ||
      this.#attempt("file", () => Deno.writeTextFile(file, `${text}\n`, { append: true })),
      command === null || this.#attempt("command", () => run(command, text)),
    ]);
    if (written.every(Boolean)) this.#published = size;
  }

  async #attempt(where: "anchor" | "file" | "command", act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.parts.onFailure(where, error);
      return false;
    }
  }
}
