/**
 * Lines to a stream that may stall. A reader that has stopped must not stop the daemon: lines wait
 * in memory up to a limit, and those beyond it are dropped and counted.
 */

import { type ByteStream, utf8Encode, writeAll } from "../core/bytes.ts";
import { sleep, within } from "../core/wait.ts";

const WAITING_CHARACTERS_MAX = 4 * 2 ** 20;
/** Lines of as long are written together. */
const GATHER_MS = 25;

export class LineWriter {
  #waiting: string[] = [];
  #characters = 0;
  #dropped = 0;
  #writing: Promise<void> | null = null;

  /** Calls `onDropped` with the number of lost lines once there is room again, for a line too. */
  constructor(
    private readonly stream: ByteStream,
    private readonly onDropped: (count: number) => void,
  ) {}

  /** Takes a line without its newline; never waits and never throws. */
  write(line: string): void {
    if (this.#characters + line.length > WAITING_CHARACTERS_MAX) {
      this.#dropped++;
      return;
    }
    this.#characters += line.length;
    this.#waiting.push(line);
    this.#writing ??= this.#drain();
  }

  /**
   * Resolves to true once everything taken so far is written, or to false where that takes longer
   * than `limitMs`.
   */
  async flush(limitMs: number): Promise<boolean> {
    const written = this.#writing?.then(() => true) ?? Promise.resolve(true);
    return await within(written, limitMs) ?? false;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await sleep(GATHER_MS);
      const text = `${this.#waiting.join("\n")}\n`;
      const dropped = this.#dropped;
      this.#waiting = [];
      this.#characters = 0;
      this.#dropped = 0;
      if (dropped > 0) this.onDropped(dropped);
      try {
        await writeAll(this.stream, utf8Encode(text));
      } catch {
        // nobody reads: a log that is gone is no reason to stop serving
      }
    }
    this.#writing = null;
  }
}
