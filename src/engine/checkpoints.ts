/**
 * Checkpoints of the log: the newest one, the copies kept outside the ledger, and the check of such
 * a copy at start.
 *
 * Invariants:
 * - A ledger that lacks what its anchor says it had was rolled back or rewritten. It does not
 *   start.
 * - A log goes on only where its anchor is: a new or restored one writes it before its next entry.
 * - A checkpoint that could not be kept is kept at the next turn, or a newer one is.
 */

import type { CheckpointConfig } from "../config/config.ts";
import type { SigningKey } from "../core/keys/ed25519.ts";
import { equalBytes, utf8Encode } from "../core/bytes.ts";
import { readRegularText } from "../os/regular_file.ts";
import { StartupError } from "../core/startup_error.ts";
import { replaceFile } from "../ledger/disk/durable_file.ts";
import type { LogReader } from "../ledger/types.ts";
import { openCheckpoint, signCheckpoint } from "../log/checkpoint.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { rootOf } from "../log/tree.ts";

export interface Checkpoint {
  /** Number of leaves it covers. */
  readonly size: number;
  /** A C2SP tlog-checkpoint: text that ends in a line feed. */
  readonly text: string;
}

/** Signs the newest checkpoint, once for each size that is asked for. */
export class LogHead {
  #newest: Checkpoint | null = null;

  constructor(
    private readonly executorId: string,
    private readonly log: LogReader,
    private readonly signingKey: SigningKey,
  ) {}

  newest(): Checkpoint {
    const size = this.log.size();
    if (this.#newest?.size !== size) {
      const text = signCheckpoint(this.executorId, size, rootOf(this.log, size), this.signingKey);
      this.#newest = { size, text };
    }
    return this.#newest;
  }
}

/** `log`: there was no checkpoint to keep, because the log could not be read. */
export type CheckpointFailure = "log" | "anchor" | "file" | "command";

/**
 * Keeps the newest checkpoint elsewhere: replaces the `anchor` file, appends to `checkpoints.file`,
 * and hands it to `checkpoints.command`.
 */
export class CheckpointPublisher {
  #published = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #publishing: Promise<void> = Promise.resolve();

  constructor(
    private readonly head: Pick<LogHead, "newest">,
    private readonly anchor: string | null,
    private readonly config: CheckpointConfig,
    /** Runs a command with this text on its standard input. */
    private readonly run: (command: readonly string[], input: string) => Promise<void>,
    private readonly onFailure: (where: CheckpointFailure, error: unknown) => void,
  ) {}

  start(): void {
    const { file, command, intervalMs } = this.config;
    if (this.anchor === null && file === null && command === null) return;
    this.#timer = setInterval(() => this.publish(), intervalMs);
  }

  /** Keeps one checkpoint at a time, and none for a log that has not grown. Never rejects. */
  publish(): Promise<void> {
    this.#publishing = this.#publishing
      .then(() => this.#keep(this.head.newest()))
      .catch((error: unknown) => this.onFailure("log", error));
    return this.#publishing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.publish();
  }

  async #keep({ size, text }: Checkpoint): Promise<void> {
    if (size === this.#published) return;
    const { anchor } = this;
    const { file, command } = this.config;
    const kept = await Promise.all([
      anchor === null ||
      this.#attempt("anchor", () => writeAnchor(anchor, text)),
      file === null ||
      this.#attempt("file", () => Deno.writeTextFile(file, `${text}\n`, { append: true })),
      command === null || this.#attempt("command", () => this.run(command, text)),
    ]);
    if (kept.every(Boolean)) this.#published = size;
  }

  async #attempt(where: "anchor" | "file" | "command", act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.onFailure(where, error);
      return false;
    }
  }
}

function writeAnchor(path: string, checkpoint: string): Promise<void> {
  return replaceFile(path, utf8Encode(checkpoint), 0o644);
}

/** Writes a missing anchor that may be missing. Throws a StartupError where it cannot. */
export async function beginAnchor(path: string, head: Pick<LogHead, "newest">): Promise<void> {
  try {
    await writeAnchor(path, head.newest().text);
  } catch (error) {
    const reason = error instanceof Error ? error.name : "error";
    throw new StartupError(
      `the anchor ${path} cannot be written: ${reason}`,
      "make its folder writable for the daemon's user",
    );
  }
}

/** The log that an anchor is compared with. */
export interface AnchoredLog {
  readonly executorId: string;
  readonly log: LogReader;
  /** Whether a restore was the last that happened to it: its fence holds without an anchor. */
  readonly isRestored: boolean;
}

/**
 * Throws a StartupError unless the log contains everything that the anchor's checkpoint covers.
 * Returns false where there is no anchor yet, which only a new or restored log may lack.
 */
export function checkAnchor(
  path: string,
  publicKey: Uint8Array,
  { executorId, log, isRestored }: AnchoredLog,
): boolean {
  let text: string;
  try {
    text = readRegularText(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    if (log.size() === 0 || isRestored) return false;
    throw new StartupError(
      `the anchor ${path} is missing, and the log is not new`,
      "look why, and put it back; if this ledger never had one, start without `anchor`, " +
        "and write it with `openexec checkpoint`",
    );
  }
  const checkpoint = openCheckpoint(text, executorId, [publicKey]) ??
    openCheckpoint(text, executorId, [...keysIn(log)]);
  if (checkpoint === undefined) {
    throw new StartupError(
      `${path} is no checkpoint of this executor`,
      "look who wrote it; remove it only if it is not yours",
    );
  }
  const isBehind = checkpoint.size > log.size() ||
    !equalBytes(rootOf(log, checkpoint.size), checkpoint.root);
  if (!isBehind) return true;
  throw new StartupError(
    `the ledger lacks what the anchor ${path} says it had: it was rolled back or rewritten`,
    "bring back the newer ledger; or accept the loss with `openexec restore`, " +
      "which fences off old approvals, and set that file aside",
  );
}

/** A daemon killed right after its key changed may leave an anchor signed by an earlier key. */
function* keysIn(log: LogReader): Generator<Uint8Array> {
  for (let index = 0; index < log.size(); index++) {
    const leaf = log.leaf(index);
    const receipt = leaf === undefined ? undefined : decodeReceipt(leaf.body);
    const key = receipt?.kind === "key" ? parseReceiptKey(receipt.new_public_key) : undefined;
    if (key !== undefined) yield key;
  }
}
