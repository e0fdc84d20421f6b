/**
 * Carries the words of executors and handlers to the daemon's log: one line each, cut to a length,
 * and without what an error quotes of a payload. Errors quote their input more often than not, and
 * a log outlives the retention of payloads.
 *
 * Texts and numbers of the payload are found whole or cut off at their end, as `JSON.parse` quotes
 * them. A handler that cuts a text at its beginning or rewrites it is not found out.
 */

import { stringOf, type Text } from "../core/bytes.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { logger } from "../telemetry/log.ts";
import { EXECUTOR_PART, HANDLER_PART } from "../telemetry/redact.ts";
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

/** Shorter ones are in every text by chance. */
const LENGTH_MIN = 4;
const MARK = "[payload]";

/** `request` is the text of {"action","payload"}. */
function withoutQuotes(text: string, request: Text): string {
  const leaves = new Set(leavesOf(JSON.parse(stringOf(request)).payload));
  return [...leaves].sort((a, b) => b.length - a.length).reduce(withoutLeaf, text);
}

/** A member's name that could stand in code says nothing of the payload. */
const CODE_NAME = /^[A-Za-z_]\w*$/;

function leavesOf(value: Json): string[] {
  if (typeof value === "string") return formsOf(value);
  if (typeof value === "number") return formsOf(String(value));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    ...(Array.isArray(value) || CODE_NAME.test(name) ? [] : formsOf(name)),
    ...leavesOf(member),
  ]);
}

/** The text, and as it stands within JSON. */
function formsOf(text: string): string[] {
  return [text, JSON.stringify(text).slice(1, -1)].filter(({ length }) => length >= LENGTH_MIN);
}

function withoutLeaf(text: string, leaf: string): string {
  const start = leaf.slice(0, LENGTH_MIN);
  let rest = text;
  let clean = "";
  for (let at = rest.indexOf(start); at !== -1; at = rest.indexOf(start)) {
    let length = start.length;
    while (length < leaf.length && rest[at + length] === leaf[length]) length++;
    clean += rest.slice(0, at) + MARK;
    rest = rest.slice(at + length);
  }
  return clean + rest;
}
