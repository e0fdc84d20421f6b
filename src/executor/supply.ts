/**
 * Where slots get their processes from: started when needed, kept while they may be needed again, ended when idle, replaced
 * when they die.
 *
 * A process that dies before it was ever ready counts as a failed start, and failed starts are tried again after longer and
 * longer; one that dies later, whatever a handler did to it, is replaced at once.
 */

import { Refusal } from "../core/errors.ts";
import type { ExecutorProcess, ProcessOrder } from "./executor_process.ts";

export interface Supply {
  /** A process that is, or is about to be, ready. Throws a Refusal executor_unavailable. */
  take(): ExecutorProcess;
  /** After a run, or `unused`. */
  giveBack(process: ExecutorProcess, unused: boolean): void;
  /** A run in `process` is over its time. */
  expire(process: ExecutorProcess): void;
  readonly health: Health;
  readonly processes: number;
  close(): Promise<void>;
}

export type Start = (ended: ProcessOrder["ended"]) => ExecutorProcess;

/** What is told of ends that nobody asked for. */
export type Obituary = (end: { readonly pid: number; readonly reason: string }) => void;

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;

/** Starts processes and keeps count of how that goes. */
export class Health {
  restarts = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #closed = false;
  readonly #alive = new Set<ExecutorProcess>();

  constructor(private readonly begin: Start, private readonly obituary: Obituary) {}

  get ok(): boolean {
    return this.#failures === 0;
  }

  get alive(): number {
    return this.#alive.size;
  }

  /** `died` is called when it ends unasked, and it is time to start another. Throws a Refusal executor_unavailable. */
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

  #ended(process: ExecutorProcess, end: Parameters<ProcessOrder["ended"]>[0], died: () => void): void {
    this.#alive.delete(process);
    if (end.expected || this.#closed) return;
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

/** Each run has a process to itself. */
export class OwnProcesses implements Supply {
  readonly health: Health;
  readonly #idle = new Map<ExecutorProcess, ReturnType<typeof setTimeout>>();

  constructor(
    start: Start,
    obituary: Obituary,
    private readonly settings: { readonly onlyOnce: boolean; readonly idleMs: number },
  ) {
    this.health = new Health(start, obituary);
  }

  get processes(): number {
    return this.health.alive;
  }

  take(): ExecutorProcess {
    for (const [process, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(process);
      if (!process.gone) return process;
    }
    return this.#start();
  }

  giveBack(process: ExecutorProcess, unused: boolean): void {
    if (process.gone) return;
    if (unused || !this.settings.onlyOnce) return this.#keep(process);
    process.retire();
    this.#keepOne();
  }

  expire(process: ExecutorProcess): void {
    process.kill();
  }

  async close(): Promise<void> {
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    await this.health.close();
  }

  #start(): ExecutorProcess {
    return this.health.start(() => this.#keepOne());
  }

  /** So that the next caller does not wait for a start. */
  #keepOne(): void {
    for (const process of this.#idle.keys()) if (!process.gone) return;
    try {
      this.#keep(this.#start());
    } catch {
      return; // it is tried again after a while, and whoever asks meanwhile is refused
    }
  }

  #keep(process: ExecutorProcess): void {
    const retire = (): void => {
      this.#idle.delete(process);
      process.retire();
    };
    this.#idle.set(process, setTimeout(retire, this.settings.idleMs));
  }
}

/** One process takes all runs at a time: for built-ins, which are our own code. */
export class SharedProcess implements Supply {
  readonly health: Health;
  #process: ExecutorProcess | null = null;

  constructor(start: Start, obituary: Obituary) {
    this.health = new Health(start, obituary);
  }

  get processes(): number {
    return this.health.alive;
  }

  take(): ExecutorProcess {
    if (this.#process === null || this.#process.gone) this.#process = this.health.start(() => this.#replace());
    return this.#process;
  }

  giveBack(process: ExecutorProcess): void {
    if (process !== this.#process && process.running === 0) process.retire();
  }

  /** What else runs in it is let finish. */
  expire(process: ExecutorProcess): void {
    if (process === this.#process) this.#process = null;
  }

  async close(): Promise<void> {
    await this.health.close();
  }

  #replace(): void {
    try {
      this.take();
    } catch {
      return; // it is tried again after a while, and whoever asks meanwhile is refused
    }
  }
}
