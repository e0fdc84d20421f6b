/**
 * The slots of one action: at most `concurrency` executions at a time, each with its time limit,
 * each settled once.
 *
 * Invariants: an outcome is taken only from the process, and for the execution, that it was handed
 * to; after the start message has left there is always an outcome.
 *
 * A handler that threw, or whose result is no JSON, has failed. One whose time is over has timed
 * out. A process that ended itself with an exit code has crashed. One that was ended, by the kernel
 * or by the daemon, tells nothing: the outcome is unknown. That includes running out of memory.
 */

import { Buffer } from "node:buffer";
import type { ActionConfig } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import { cutToReason } from "../core/limits.ts";
import type { Json, Outcome } from "../core/types.ts";
import type { ExecutorProcess, Report } from "./executor_process.ts";
import type { ExecutorLog } from "./log.ts";
import type { Processes } from "./processes.ts";
import { Scrubber, type Secrets } from "./secrets.ts";
import type { Job, Slot } from "./types.ts";

export interface SlotSettings {
  readonly action: Pick<ActionConfig, "name" | "timeoutMs" | "concurrency" | "memoryBytes">;
  /** Whether other executions run in the same process: then it has one memory limit, its own. */
  readonly isShared: boolean;
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
  readonly #limited = new WeakSet<ExecutorProcess>();
  #taken = 0;

  constructor(private readonly settings: SlotSettings, private readonly processes: Processes) {
    this.#scrubber = new Scrubber(settings.secrets);
  }

  get running(): number {
    return this.#taken;
  }

  /** Throws a Refusal: executor_busy, executor_unavailable. */
  acquire(): Slot {
    if (this.#taken >= this.settings.action.concurrency) throw new Refusal("executor_busy");
    let process = this.processes.take();
    if (!process.wasReady && !this.processes.starts.isHealthy) {
      // the last start failed, so this one may take long, or fail too
      this.processes.giveBack(process, true);
      throw new Refusal("executor_unavailable");
    }
    this.#taken++;
    let isHeld = true;
    const giveUp = (): void => {
      if (isHeld) this.#taken--;
      isHeld = false;
    };
    return {
      ready: async () => {
        const ready = await this.#ready(process);
        if (ready !== null) return void (process = ready);
        giveUp();
        throw new Refusal("executor_unavailable");
      },
      run: async (job) => {
        if (!isHeld) return { outcome: UNKNOWN, startedAtMs: null };
        try {
          return await this.#run(job, process);
        } finally {
          giveUp();
        }
      },
      release: () => {
        if (isHeld) this.processes.giveBack(process, true);
        giveUp();
      },
    };
  }

  async #run(job: Job, first: ExecutorProcess): Promise<Run> {
    const process = await this.#ready(first);
    if (process === null) return { outcome: UNKNOWN, startedAtMs: null };
    const startedAtMs = this.settings.clock.nowMs();
    const { report, timedOut } = await this.#supervise(job, process);
    this.#giveBack(process, report);
    const late = timedOut && (report.kind === "gone" || report.kind === "crashed");
    const outcome = late
      ? TIMED_OUT
      : outcomeOf(report, this.#scrubber, this.settings.resultBytesMax);
    this.#note(job, outcome, report);
    return { outcome, startedAtMs };
  }

  /** Retires the process of a run that did not succeed: no run follows in it. */
  #giveBack(process: ExecutorProcess, report: Report): void {
    if (report.kind === "succeeded" || this.settings.isShared) {
      return this.processes.giveBack(process, false);
    }
    process.retire();
  }

  /** The process, or another one if it died before anything was started in it. */
  async #ready(first: ExecutorProcess): Promise<ExecutorProcess | null> {
    let process = first;
    for (let starts = 1;; starts++) {
      if (await process.ready() && !process.isGone && this.#limit(process)) return process;
      process.kill();
      if (starts === STARTS_MAX) return null;
      try {
        process = this.processes.take();
      } catch {
        return null;
      }
    }
  }

  /** Once for each process: what it has for its first run it has for the next. */
  #limit(process: ExecutorProcess): boolean {
    if (this.settings.isShared || this.#limited.has(process)) return true;
    this.#limited.add(process);
    return process.limitMemory(this.settings.action.memoryBytes + MEMORY_EXTRA_BYTES);
  }

  /** Starts it and waits for its end, which is that of its process when the time is over. */
  async #supervise(
    job: Job,
    process: ExecutorProcess,
  ): Promise<{ report: Report; timedOut: boolean }> {
    const { action: { name, timeoutMs }, secrets, isShared, log } = this.settings;
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
      this.processes.expire(process);
      if (!isShared) return;
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
    this.settings.log.failed(job, outcome.code, this.#scrubber.text(reason));
  }
}

const TIMED_OUT: Outcome = { status: "timed_out", code: "handler_timed_out" };
const UNKNOWN: Outcome = { status: "outcome_unknown", code: "outcome_unknown" };
const RESULT_INVALID: Outcome = { status: "failed", code: "result_invalid" };

function outcomeOf(report: Report, scrubber: Scrubber, resultBytesMax: number): Outcome {
  switch (report.kind) {
    case "succeeded":
      return succeeded(report.result, scrubber, resultBytesMax);
    case "failed":
      return failed(report, scrubber);
    case "crashed":
      return { status: "crashed", code: "handler_crashed" };
    case "gone":
      return UNKNOWN;
  }
}

/** Secrets are taken out first: of one that is cut, nothing would be found. */
function failed(
  { code, publicReason }: Extract<Report, { readonly kind: "failed" }>,
  scrubber: Scrubber,
): Outcome {
  if (publicReason === null) return { status: "failed", code };
  return { status: "failed", code, reason: cutToReason(scrubber.text(publicReason)) };
}

function succeeded(result: string, scrubber: Scrubber, bytesMax: number): Outcome {
  const resultText = scrubber.idle ? result : scrubbed(result, scrubber);
  if (resultText === null || Buffer.byteLength(resultText) > bytesMax) return RESULT_INVALID;
  return { status: "succeeded", resultText };
}

/** The same text where no secret was in it; null when it is no JSON. */
function scrubbed(result: string, scrubber: Scrubber): string | null {
  try {
    const value: Json = JSON.parse(result);
    const clean = JSON.stringify(scrubber.value(value));
    return clean === JSON.stringify(value) ? result : clean;
  } catch {
    return null;
  }
}
