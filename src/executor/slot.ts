/**
 * The slots of one action: at most `concurrency` executions at a time, each with its time limit, each settled once.
 *
 * Invariant: after the start message has left there is always an outcome, and it is that of this execution in this process.
 */

import type { ActionConfig } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import type { Outcome } from "../core/types.ts";
import type { ExecutorProcess, Report } from "./executor_process.ts";
import type { Job, Slot } from "./executor.ts";
import type { ExecutorLog } from "./log.ts";
import { outcomeOf, TIMED_OUT, UNKNOWN } from "./outcome.ts";
import { Scrubber, type Secrets } from "./secrets.ts";
import type { Supply } from "./supply.ts";

export interface SlotSettings {
  readonly action: Pick<ActionConfig, "name" | "timeoutMs" | "concurrency" | "memoryBytes">;
  /** Whether other executions run in the same process: then it has one memory limit, of its own. */
  readonly shared: boolean;
  readonly secrets: Secrets;
  readonly resultBytesMax: number;
  readonly clock: Clock;
  readonly log: ExecutorLog;
}

type Run = Awaited<ReturnType<Slot["run"]>>;

/** Beside the heap: stacks of the runtime's threads, and its buffers. */
const MEMORY_EXTRA_BYTES = 64 * 1024 * 1024;
/** Processes that are tried before a run is given up that has not started. */
const STARTS_MAX = 3;
/** `context.signal` aborts this much before the time limit, or at nine tenths of a short one. */
const ABORT_BEFORE_MS = 1_000;

export class Slots {
  readonly #scrubber: Scrubber;
  #taken = 0;

  constructor(private readonly settings: SlotSettings, private readonly supply: Supply) {
    this.#scrubber = new Scrubber(settings.secrets);
  }

  get running(): number {
    return this.#taken;
  }

  /** Throws a Refusal: executor_busy, executor_unavailable. */
  acquire(): Slot {
    if (this.#taken >= this.settings.action.concurrency) throw new Refusal("executor_busy");
    const process = this.supply.take();
    // Whoever waited for it now would have claimed nonce and approval for an outcome that is unknown if this start fails too.
    if (!process.wasReady && !this.supply.starter.healthy) {
      this.supply.giveBack(process, true);
      throw new Refusal("executor_unavailable");
    }
    this.#taken++;
    let held = true;
    const give = (): boolean => {
      const was = held;
      held = false;
      return was;
    };
    return {
      run: async (job) => {
        if (!give()) return { outcome: UNKNOWN, startedAtMs: null };
        try {
          return await this.#run(job, process);
        } finally {
          this.#taken--;
        }
      },
      release: () => {
        if (!give()) return;
        this.#taken--;
        this.supply.giveBack(process, true);
      },
    };
  }

  async #run(job: Job, first: ExecutorProcess): Promise<Run> {
    if (first.wasReady && !first.isReady) this.supply.foundNoneReady();
    const process = await this.#ready(first);
    if (process === null) return { outcome: UNKNOWN, startedAtMs: null };
    const startedAtMs = this.settings.clock.nowMs();
    const { report, timedOut } = await this.#supervise(job, process);
    this.supply.giveBack(process, false);
    const late = timedOut && report.kind === "gone";
    const outcome = late
      ? TIMED_OUT
      : outcomeOf(report, this.#scrubber, this.settings.resultBytesMax);
    this.#note(job, outcome, report);
    return { outcome, startedAtMs };
  }

  /** The process, or another one if it died before anything was started in it. */
  async #ready(first: ExecutorProcess): Promise<ExecutorProcess | null> {
    let process = first;
    for (let starts = 1;; starts++) {
      if (await process.ready() && this.#limit(process)) return process;
      process.kill();
      if (starts === STARTS_MAX) return null;
      try {
        process = this.supply.take();
      } catch {
        return null;
      }
    }
  }

  #limit(process: ExecutorProcess): boolean {
    return this.settings.shared ||
      process.limitGrowth(this.settings.action.memoryBytes + MEMORY_EXTRA_BYTES);
  }

  /** Starts it and waits for its end, which is that of its process when the time is over. */
  async #supervise(
    job: Job,
    process: ExecutorProcess,
  ): Promise<{ report: Report; timedOut: boolean }> {
    const { action: { name, timeoutMs }, secrets, shared, log } = this.settings;
    const report = process.run({
      id: job.executionId,
      handler: name,
      request: job.canonicalRequest,
      idempotencyKey: job.idempotencyKey,
      traceparent: job.traceparent,
      secrets: [...secrets],
      abortAfterMs: Math.max(Math.floor(timeoutMs * 0.9), timeoutMs - ABORT_BEFORE_MS),
    }, (line) => log.line(name, job.executionId, this.#scrubber.text(line)));
    const late = Promise.withResolvers<Report>();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.supply.expire(process);
      if (!shared) return;
      process.forget(job.executionId); // others may run on in it: it ends with the last of them
      late.resolve({ kind: "gone", reason: "its time was over" });
    }, timeoutMs);
    const first = await Promise.race([report, late.promise]);
    clearTimeout(timer);
    return { report: first, timedOut };
  }

  #note(job: Job, outcome: Outcome, report: Report): void {
    if (outcome.status === "succeeded") return;
    const reason = report.kind === "succeeded" ? "the result is too large" : report.reason;
    this.settings.log.failed(
      job.action,
      job.executionId,
      outcome.code,
      this.#scrubber.text(reason),
    );
  }
}
