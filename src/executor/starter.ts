/**
 * Starts executor processes and keeps count of how that goes.
 *
 * A process that dies before it was ever ready counts as a failed start, and failed starts are tried again after longer and
 * longer; one that dies later, whatever a handler did to it, is replaced at once.
 */

import { Refusal } from "../core/errors.ts";
import type { ExecutorProcess, ProcessEnd, ProcessOrder } from "./executor_process.ts";

export type Start = (ended: ProcessOrder["ended"]) => ExecutorProcess;

/** What is told of ends that nobody asked for. */
export type Obituary = (end: { readonly pid: number; readonly reason: string }) => void;

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;

export class Starter {
  /** Processes that ended unasked. */
  restarts = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  readonly #alive = new Set<ExecutorProcess>();

  constructor(private readonly begin: Start, private readonly obituary: Obituary) {}

  /** false from a failed start to the next that succeeds. */
  get healthy(): boolean {
    return this.#failures === 0;
  }

  get processes(): number {
    return this.#alive.size;
  }

  /** `died` is called when it ends unasked, or is worn, and it is time to start another. Throws a Refusal executor_unavailable. */
  start(died: () => void): ExecutorProcess {
    if (this.#closed || this.#retry !== null) throw new Refusal("executor_unavailable");
    try {
      const process = this.begin((end) => this.#ended(process, end, died));
      this.#alive.add(process);
      void process.ready().then((ready) => this.#failures = ready ? 0 : this.#failures);
      return process;
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : "it could not be started", 0, died);
      throw new Refusal("executor_unavailable");
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const alive = [...this.#alive];
    for (const process of alive) process.retire();
    await Promise.all(alive.map((process) => process.exited));
  }

  #ended(process: ExecutorProcess, end: ProcessEnd, died: () => void): void {
    this.#alive.delete(process);
    if (end.kind === "retired" || this.#closed) return;
    if (end.kind === "worn") return died();
    this.restarts++;
    if (process.wasReady) {
      this.obituary(end);
      died();
    } else {
      this.#failed(end.reason, end.pid, died);
    }
  }

  #failed(reason: string, pid: number, died: () => void): void {
    this.obituary({ pid, reason });
    const delay = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures++, BACKOFF_MAX_MS);
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      died();
    }, delay);
  }
}
