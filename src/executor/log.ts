/**
 * Carries the words of executors and handlers to the daemon's log: one line each, cut to a
 * length.
 */

import type { ErrorCode } from "../core/errors.ts";
import { logger } from "../telemetry/log.ts";
import { EXECUTOR_PART, HANDLER_PART } from "../telemetry/redact.ts";
import { withoutQuotes } from "./quotes.ts";
import type { Job } from "./types.ts";

/** Texts are scrubbed of secrets by then. */
export interface ExecutorLog {
  /** A line of a handler's own. */
  line(action: string, execution: string, text: string): void;
  /** A run that did not succeed, and why in the handler's or the executor's words. */
  failed(job: Job, code: ErrorCode, reason: string): void;
  /** A process that ended unasked. */
  died(pid: number, reason: string): void;
}

const LINE_LENGTH_MAX = 4_096;

export function executorLog(): ExecutorLog {
  const { warning } = logger(EXECUTOR_PART);
  const { info } = logger(HANDLER_PART);
  return {
    line: (action, execution, text) =>
      info("handler said", { action, execution, line: lineOf(text) }),
    failed: ({ action, executionId: execution, canonicalRequest }, code, reason) =>
      warning("run did not succeed", {
        action,
        execution,
        code,
        reason: lineOf(withoutQuotes(reason.slice(0, LINE_LENGTH_MAX), canonicalRequest)),
      }),
    died: (pid, reason) =>
      warning("executor ended", { pid, signal: /^SIG[A-Z0-9]+/.exec(reason)?.[0] }),
  };
}

/** Makes one line of a handler's words. */
export function lineOf(text: string): string {
  return text.slice(0, LINE_LENGTH_MAX).toWellFormed().replace(/\p{Cc}+/gu, " ");
}
