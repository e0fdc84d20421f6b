/**
 * What the SDK throws. A problem the daemon answered (RFC 9457) keeps its code, effect and retry; a daemon that could
 * not be reached says whether the request may have arrived.
 */

import type { Effect, ErrorCode, Refusal, Retry } from "../core/errors.ts";
import { ERRORS } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { type Execution, executionOf } from "./execution.ts";
import { isJsonObject } from "./json.ts";

/** A code of the error table (docs/errors.md); the open end is for a daemon newer than this SDK. */
export type ProblemCode = ErrorCode | (string & Record<never, never>);

export interface Problem {
  readonly code: ProblemCode;
  /** HTTP status; of the table where the refusal was made by the SDK itself. */
  readonly status: number;
  readonly detail: string;
  readonly effect: Effect;
  readonly retry: Retry;
  /** What was reserved under the nonce, once something was. */
  readonly execution: Execution | null;
  /** From Retry-After, in milliseconds. */
  readonly retryAfterMs: number | null;
}

/** A refusal or an unhappy outcome. Decide on `code`, `effect` and `retry`, never on the message. */
export class OpenExecError extends Error implements Problem {
  override readonly name = "OpenExecError";
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly effect: Effect;
  readonly retry: Retry;
  readonly execution: Execution | null;
  readonly retryAfterMs: number | null;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail;
    this.effect = problem.effect;
    this.retry = problem.retry;
    this.execution = problem.execution;
    this.retryAfterMs = problem.retryAfterMs;
  }

  /** What to do next, in a sentence; null for a code this SDK does not know. */
  get help(): string | null {
    return isErrorCode(this.code) ? ERRORS[this.code].help : null;
  }
}

/** Nobody answered. `effect` is "none" when no byte was sent, else "unknown": ask again with the same nonce. */
export class OpenExecUnreachable extends Error {
  override readonly name = "OpenExecUnreachable";
  constructor(readonly effect: Effect, detail: string, cause: unknown) {
    super(detail, { cause });
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** A refusal that needed no daemon, as the caller meets every other. */
export function errorOfRefusal(refusal: Refusal): OpenExecError {
  const { status, effect, retry } = ERRORS[refusal.code];
  return new OpenExecError({
    code: refusal.code,
    status,
    detail: refusal.detail,
    effect,
    retry,
    execution: null,
    retryAfterMs: null,
  });
}

/** Reads a problem document; whatever is not one becomes an internal_error that must not be retried blindly. */
export function errorOfAnswer(
  status: number,
  body: Json | undefined,
  retryAfterMs: number | null,
): OpenExecError {
  if (!isJsonObject(body) || typeof body["code"] !== "string") return unreadableAnswer(status);
  const code = body["code"];
  return new OpenExecError({
    code,
    status,
    detail: typeof body["detail"] === "string" ? body["detail"] : "",
    effect: body["effect"] === "none" ? "none" : "unknown",
    retry: body["retry"] === "same_request" || body["retry"] === "new_approval"
      ? body["retry"]
      : "never",
    execution: executionOf(body["execution"] ?? null) ?? null,
    retryAfterMs,
  });
}

export function unreadableAnswer(status: number): OpenExecError {
  return new OpenExecError({
    code: "internal_error",
    status,
    detail: "the answer is not one openexec gives; is something else listening on this socket?",
    effect: "unknown",
    retry: "never",
    execution: null,
    retryAfterMs: null,
  });
}
