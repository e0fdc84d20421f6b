/**
 * Where slots get their processes from: started when needed, kept while they may be needed again, ended when idle, replaced
 * when they die.
 */

import type { ExecutorProcess } from "./executor_process.ts";
import { type Obituary, type Start, Starter } from "./starter.ts";

export interface Supply {
  /** A process that is, or is about to be, ready. Throws a Refusal executor_unavailable. */
  take(): ExecutorProcess;
  /** A run has to wait for its process: the next one shall not. */
  foundNoneReady(): void;
  /** After a run, or `unused`. */
  giveBack(process: ExecutorProcess, unused: boolean): void;
  /** A run in `process` is over its time. */
  expire(process: ExecutorProcess): void;
  readonly starter: Starter;
  close(): Promise<void>;
}

/** Each run has a process to itself. */
export class OwnProcesses implements Supply {
  readonly starter: Starter;
  readonly #idle = new Map<ExecutorProcess, ReturnType<typeof setTimeout>>();

  constructor(
    start: Start,
    obituary: Obituary,
    private readonly settings: {
      /** A process ends after its run. */
      readonly onlyOnce: boolean;
      /** Whoever would have to wait has another one started for the next. */
      readonly spare: boolean;
      readonly idleMs: number;
    },
  ) {
    this.starter = new Starter(start, obituary);
  }

  /** A process that is ready before one that is yet to be. */
  take(): ExecutorProcess {
    const idle = this.#kept();
    const process = idle.find(({ isReady }) => isReady) ?? idle[0];
    if (process === undefined) return this.#start();
    clearTimeout(this.#idle.get(process));
    this.#idle.delete(process);
    return process;
  }

  foundNoneReady(): void {
    if (this.settings.spare) this.#keepOne();
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
    await this.starter.close();
  }

  #start(): ExecutorProcess {
    return this.starter.start(() => this.#keepOne());
  }

  /** Those that nothing runs in, and that have not ended meanwhile. */
  #kept(): ExecutorProcess[] {
    return [...this.#idle.keys()].filter(({ gone }) => !gone);
  }

  /** So that the next caller does not wait for a start. */
  #keepOne(): void {
    if (this.#kept().length > 0) return;
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
  readonly starter: Starter;
  #process: ExecutorProcess | null = null;

  /** Starts it, since it is one for all and kept. */
  constructor(start: Start, obituary: Obituary) {
    this.starter = new Starter(start, obituary);
    this.#replace();
  }

  take(): ExecutorProcess {
    if (this.#process === null || this.#process.gone) {
      this.#process = this.starter.start(() => this.#replace());
    }
    return this.#process;
  }

  /** The one that is waited for is the next one's as well. */
  foundNoneReady(): void {}

  giveBack(process: ExecutorProcess): void {
    if (process !== this.#process && process.running === 0) process.retire();
  }

  /** What else runs in it is let finish. */
  expire(process: ExecutorProcess): void {
    if (process === this.#process) this.#process = null;
  }

  async close(): Promise<void> {
    await this.starter.close();
  }

  #replace(): void {
    try {
      this.take();
    } catch {
      return; // it is tried again after a while, and whoever asks meanwhile is refused
    }
  }
}
