/**
 * Carries the words of executors and handlers to the daemon's log: one line each, cut to a
 * length.
 */

import type { ErrorCode } from "../core/errors.ts";
import { logger } from "../telemetry/log.ts";
import { HANDLER_PART } from "../telemetry/redact.ts";

/** Texts are scrubbed of secrets by then. */
export interface ExecutorLog {
  /** A line of a handler's own. */
  line(action: string, execution: string, text: string): void;
  /** A run that did not succeed, and why in the handler's or the executor's words. */
  failed(action: string, execution: string, code: ErrorCode, reason: string): void;
  /** A process that ended unasked. */
  died(pid: number, reason: string): void;
}

const LINE_LENGTH_MAX = 4_096;

export function executorLog(): ExecutorLog {
  const { warning } = logger("executor");
  const { info } = logger(HANDLER_PART);
  return {
    line: (action, execution, text) =>
      info("handler said", { action, execution, line: lineOf(text) }),
    // errors of a handler quote its input more often than not: the reason is not written
    failed: (action, execution, code) =>
      warning("run did not succeed", { action, execution, code }),
    died: (pid, reason) =>
      warning("executor ended", { pid, signal: /^SIG[A-Z0-9]+/.exec(reason)?.[0] }),
  };
}

/** No line break or terminal escape of a handler's reaches whoever reads the log. */
function lineOf(text: string): string {
  return text.slice(0, LINE_LENGTH_MAX).toWellFormed().replace(/\p{Cc}+/gu, " ");
}
