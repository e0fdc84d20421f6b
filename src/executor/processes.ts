/**
 * Where slots get their processes from: started beforehand where they may soon be needed, ended
 * when idle, replaced when they die.
 *
 * A process that dies before it was ever ready counts as a failed start, and failed starts are
 * tried again after longer and longer; one that dies later, whatever a handler did to it, is
 * replaced at once.
 */

import { Refusal } from "../core/errors.ts";
import type { ExecutorProcess, ProcessExit, ProcessOrder } from "./executor_process.ts";

export type Start = (onExit: ProcessOrder["onExit"]) => ExecutorProcess;

export interface Processes {
  /** A process that is, or is about to be, ready. Throws a Refusal executor_unavailable. */
  take(): ExecutorProcess;
  /** After a run, or `isUnused`. */
  giveBack(process: ExecutorProcess, isUnused: boolean): void;
  /** A run in `process` is over its time. */
  expire(process: ExecutorProcess): void;
  readonly starts: Starts;
  close(): Promise<void>;
}

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** How long the next spare waits, so that a short run has the processors first. */
const FILL_AFTER_MS = 25;

/** Starts processes and keeps count of how that goes. */
export class Starts {
  /** Processes that ended unasked. */
  restarts = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #isClosed = false;
  readonly #alive = new Set<ExecutorProcess>();

  /** `onDeath` is told of processes that ended and were not retired. */
  constructor(
    private readonly begin: Start,
    private readonly onDeath: (exit: Pick<ProcessExit, "pid" | "reason">) => void,
  ) {}

  /** false from a failed start to the next that succeeds. */
  get isHealthy(): boolean {
    return this.#failures === 0;
  }

  get processes(): number {
    return this.#alive.size;
  }

  /**
   * `restart` is called when it ended unasked and it is time to start another. Throws a Refusal
   * executor_unavailable.
   */
  start(restart: () => void): ExecutorProcess {
    if (this.#isClosed || this.#retry !== null) throw new Refusal("executor_unavailable");
    const process = this.begin((exit) => this.#ended(process, exit, restart));
    this.#alive.add(process);
    void process.ready().then((ready) => this.#failures = ready ? 0 : this.#failures);
    return process;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    const alive = [...this.#alive];
    for (const process of alive) process.retire();
    await Promise.all(alive.map((process) => process.exited));
  }

  #ended(process: ExecutorProcess, exit: ProcessExit, restart: () => void): void {
    this.#alive.delete(process);
    if (exit.isRetired || this.#isClosed) return;
    this.restarts++;
    if (!process.wasReady) return this.#failed(exit, restart);
    this.onDeath(exit);
    restart();
  }

  #failed(exit: Pick<ProcessExit, "pid" | "reason">, restart: () => void): void {
    this.onDeath(exit);
    const delay = Math.min(BACKOFF_FIRST_MS * 2 ** this.#failures++, BACKOFF_MAX_MS);
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      restart();
    }, delay);
  }
}

export interface OwnProcessesSettings {
  /** Whether a process takes one run and ends. */
  readonly isSingleUse: boolean;
  /** How many may wait at most. */
  readonly sparesMax: number;
  /** How long one waits. */
  readonly idleMs: number;
}

/**
 * Gives each run a process to itself. Single-use processes are started beforehand: as many wait as
 * runs had to wait for one lately.
 */
export class OwnProcesses implements Processes {
  readonly #idle = new Map<ExecutorProcess, ReturnType<typeof setTimeout>>();
  /** How many are to wait. */
  #spares = 1;

  constructor(readonly starts: Starts, private readonly settings: OwnProcessesSettings) {}

  /** Prefers one that is ready to one that is yet to be. */
  take(): ExecutorProcess {
    const idle = this.#waiting();
    const ready = idle.find(({ isReady }) => isReady);
    const { isSingleUse, sparesMax } = this.settings;
    if (ready === undefined && idle.length > 0) {
      this.#spares = Math.min(this.#spares + 1, sparesMax);
    }
    const process = ready ?? idle[0] ?? this.#start();
    clearTimeout(this.#idle.get(process));
    this.#idle.delete(process);
    if (isSingleUse) setTimeout(() => this.#fill(), FILL_AFTER_MS);
    return process;
  }

  giveBack(process: ExecutorProcess, isUnused: boolean): void {
    if (process.isGone) return;
    if (isUnused || !this.settings.isSingleUse) this.#keep(process);
    else process.retire();
  }

  expire(process: ExecutorProcess): void {
    process.kill();
  }

  async close(): Promise<void> {
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    await this.starts.close();
  }

  #start(): ExecutorProcess {
    return this.starts.start(() => this.#fill());
  }

  /** Those that nothing runs in, and that have not ended meanwhile. */
  #waiting(): ExecutorProcess[] {
    return [...this.#idle.keys()].filter(({ isGone }) => !isGone);
  }

  #fill(): void {
    try {
      while (this.#waiting().length < this.#spares) this.#keep(this.#start());
    } catch {
      return; // it is tried again after a while, and whoever asks meanwhile is refused
    }
  }

  #keep(process: ExecutorProcess): void {
    const retire = (): void => {
      this.#idle.delete(process);
      this.#spares = Math.max(1, this.#spares - 1);
      process.retire();
    };
    this.#idle.set(process, setTimeout(retire, this.settings.idleMs));
  }
}

/** Gives all runs the same process: for built-ins, which are our own code. */
export class SharedProcess implements Processes {
  #process: ExecutorProcess | null = null;

  constructor(readonly starts: Starts) {}

  take(): ExecutorProcess {
    if (this.#process === null || this.#process.isGone) {
      this.#process = this.starts.start(() => this.#replace());
    }
    return this.#process;
  }

  giveBack(process: ExecutorProcess): void {
    if (process !== this.#process && process.running === 0) process.retire();
  }

  /** Other runs in it may finish. */
  expire(process: ExecutorProcess): void {
    if (process === this.#process) this.#process = null;
  }

  async close(): Promise<void> {
    await this.starts.close();
  }

  #replace(): void {
    try {
      this.take();
    } catch {
      return; // it is tried again after a while, and whoever asks meanwhile is refused
    }
  }
}
