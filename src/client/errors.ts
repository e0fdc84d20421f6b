/**
 * The errors of the SDK. A problem that the daemon answered (RFC 9457) keeps its code, effect and
 * retry. An unreachable daemon's error says whether the request may have arrived.
 */

import { isJsonObject } from "../core/json/json.ts";
import {
  type Effect,
  type ErrorCode,
  ERRORS,
  isErrorCode,
  Refusal,
  type Retry,
} from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { type Execution, executionOf } from "./execution.ts";

/** A code of the error table (docs/errors.md); the open end is for a daemon newer than this SDK. */
export type ProblemCode = ErrorCode | (string & Record<never, never>);

export interface Problem {
  readonly code: ProblemCode;
  /** The HTTP status; from the error table where the SDK itself refused. */
  readonly status: number;
  readonly detail: string;
  readonly effect: Effect;
  readonly retry: Retry;
  /** The execution reserved under the nonce, or null before there is one. */
  readonly execution: Execution | null;
  /** Retry-After in milliseconds. */
  readonly retryAfterMs: number | null;
}

/** A refusal or a bad outcome. Decide on `code`, `effect` and `retry`, never on the message. */
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

  /** Says in a sentence what to do next; null for a code this SDK does not know. */
  get help(): string | null {
    return isErrorCode(this.code) ? ERRORS[this.code].help : null;
  }
}

/**
 * No answer came. `effect` is "none" when no attempt sent a byte, else "unknown": ask again with
 * the same nonce.
 */
export class OpenExecUnreachable extends Error {
  override readonly name = "OpenExecUnreachable";
  readonly effect: Effect;

  constructor(effect: Effect, detail: string, cause: unknown) {
    super(detail, { cause });
    this.effect = effect;
  }
}

/** Whether what was asked for may have had an effect. */
export function isUnknown(error: unknown): boolean {
  const isOurs = error instanceof OpenExecError || error instanceof OpenExecUnreachable;
  return isOurs && error.effect === "unknown";
}

/**
 * Returns what to say of `error` where an earlier attempt at the same thing may have had an effect:
 * an error that speaks of the last attempt alone would say that nothing ran.
 */
export function atLeastUnknown(error: unknown): unknown {
  const isOurs = error instanceof OpenExecError || error instanceof OpenExecUnreachable;
  if (!isOurs || error.effect === "unknown") return error;
  const cause = error instanceof OpenExecUnreachable ? error.cause : error;
  const detail = "an attempt was sent, and no answer tells what came of it";
  return new OpenExecUnreachable("unknown", detail, cause);
}

/** Whether the same request may succeed when it is sent again. */
export function mayPass(error: unknown): boolean {
  return error instanceof OpenExecUnreachable ||
    (error instanceof OpenExecError && error.retry === "same_request");
}

/** Turns a Refusal into the OpenExecError that a daemon's answer would be; leaves other errors. */
export function refusalAsError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const { code, detail } = error;
  const { status, effect, retry } = ERRORS[code];
  const problem = { code, status, detail, effect, retry };
  return new OpenExecError({ ...problem, execution: null, retryAfterMs: null });
}

/** Reads a problem document. Any other body becomes an internal_error that is never retried. */
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

/** Returns `value`, and throws where a body of status 200 was not what its route answers. */
export function readable<T>(value: T | undefined): T {
  if (value === undefined) throw unreadableAnswer(200);
  return value;
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
