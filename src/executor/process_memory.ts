/**
 * The memory of an executor process, as the kernel counts it (VmData, proc_pid_status(5)): what a run may map, and what one has
 * left behind.
 *
 * Invariants:
 * - A new worker is offered only in a process that has mapped little more than when it was first ready. A handler's own worker
 *   that runs on would read the next run's request and secrets from the channel; with the smallest limits that the runtime lets
 *   it have it maps 73 MiB (Deno 2.9.5). Runs that need much memory leave as much and more behind in the allocators, and cannot be
 *   told from that: their processes are replaced too.
 * - While one worker takes many runs, all of them together have the memory of one, also between them. The limit is lifted only
 *   for a worker that is to be started, which maps half a gibibyte for a moment.
 */

import { dataBytesOf, RLIMIT_DATA, setSoftLimit } from "../os/process.ts";
import type { Discipline } from "./protocol.ts";

const MEBIBYTE = 1024 * 1024;
/** Runs that need little left 11 MiB at most. */
const RUN_GROWTH_BYTES_MAX = 48 * MEBIBYTE;
/** What is read in a worker may be large, and is given no secrets and no request. */
const READING_GROWTH_BYTES_MAX = 256 * MEBIBYTE;
/** How long what has ended may take to be gone. */
const GONE_MS = 500;
const LOOK_EVERY_MS = 10;

export class ProcessMemory {
  /** When it was ready for the first time. */
  #firstBytes: number | null = null;
  /** What it may have mapped more when it is ready again; null while the worker is the same. */
  #growthBytesMax: number | null = null;
  /** Runs of its worker that succeeded. */
  #runs = 0;

  constructor(private readonly pid: number, private readonly discipline: Discipline) {}

  /** It is ready: whether it may be used on. Resolves to true for one that has ended, of which others take note. */
  async isAsBefore(): Promise<boolean> {
    const deadline = performance.now() + GONE_MS;
    for (;;) {
      const bytes = dataBytesOf(this.pid);
      if (bytes === null) return true;
      this.#firstBytes ??= bytes;
      if (bytes <= this.#firstBytes + (this.#growthBytesMax ?? Infinity)) return true;
      if (performance.now() > deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** A run begins: until it is over nothing is mapped beyond `bytes`. false when that cannot be had. */
  limit(bytes: number): boolean {
    const now = dataBytesOf(this.pid);
    const before = this.discipline.runsMax > 1 ? this.#firstBytes ?? now : now;
    return before !== null && setSoftLimit(this.pid, RLIMIT_DATA, before + bytes);
  }

  /** A run is over. */
  runOver(succeeded: boolean): void {
    if (succeeded && ++this.#runs < this.discipline.runsMax) this.#growthBytesMax = null;
    else this.#expectWorker(RUN_GROWTH_BYTES_MAX);
  }

  /** Handlers were read, in a worker that ends with that. */
  readingOver(): void {
    this.#expectWorker(READING_GROWTH_BYTES_MAX);
  }

  #expectWorker(growthBytesMax: number): void {
    this.#runs = 0;
    this.#growthBytesMax = growthBytesMax;
    setSoftLimit(this.pid, RLIMIT_DATA, null);
  }
}
