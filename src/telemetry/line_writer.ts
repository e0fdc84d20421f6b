/**
 * Lines to a stream that may stall. A reader that has stopped must not stop the daemon: lines wait in memory up to a limit,
 * and what goes beyond it is dropped and counted.
 */

import { utf8Encode } from "../core/bytes.ts";

export interface ByteStream {
  write(bytes: Uint8Array): Promise<number>;
}

const WAITING_CHARACTERS_MAX = 4 * 2 ** 20;
/** What is logged meanwhile is written at once. */
const GATHER_MS = 25;

export class LineWriter {
  #waiting: string[] = [];
  #characters = 0;
  #dropped = 0;
  #writing: Promise<void> | null = null;

  /** `onDropped` is told how many lines were lost, once there is room again; what it logs finds room. */
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

  /** Resolves once everything taken so far is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
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

async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}
