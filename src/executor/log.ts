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
  /** A process that ended unasked; 0 for one that was never started. */
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
      pid === 0 // then the words are our own
        ? warning("executor could not be started", { reason: lineOf(reason) })
        : warning("executor ended", { pid, signal: /^SIG[A-Z0-9]+/.exec(reason)?.[0] }),
  };
}

/** Makes one line of a handler's words. */
export function lineOf(text: string): string {
  return text.slice(0, LINE_LENGTH_MAX).toWellFormed().replace(/\p{Cc}+/gu, " ");
}

/** Shorter ones are in every text by chance. */
const LENGTH_MIN = 4;
const MARK = "[payload]";
/** Bounds of the search, so that it takes the event loop some milliseconds at most. */
const REQUEST_LENGTH_MAX = 2 ** 16;
const COMPARED_MAX = 2 ** 20;
const WITHHELD = "withheld: it may quote the payload, which is too large to be looked for in it";

/** `request` is the text of {"action","payload"}. */
function withoutQuotes(text: string, request: Text): string {
  if (request.length > REQUEST_LENGTH_MAX) return WITHHELD;
  const leaves = new Set<string>();
  addLeaves(JSON.parse(stringOf(request)).payload, leaves);
  const quotes = quotesIn(text, leaves);
  if (quotes === null) return WITHHELD;
  let clean = "";
  let at = 0;
  for (const [from, to] of [...quotes].sort(([a], [b]) => a - b)) {
    if (from >= at) clean += text.slice(at, from) + MARK;
    at = Math.max(at, to);
  }
  return clean + text.slice(at);
}

/** A member's name that could stand in code says nothing of the payload. */
const CODE_NAME = /^[A-Za-z_]\w*$/;

function addLeaves(value: Json, leaves: Set<string>): void {
  if (typeof value === "string") return addForms(value, leaves);
  if (typeof value === "number") return addForms(String(value), leaves);
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    if (!Array.isArray(value) && !CODE_NAME.test(name)) addForms(name, leaves);
    addLeaves(member, leaves);
  }
}

/** The text, and as it stands within JSON. */
function addForms(text: string, leaves: Set<string>): void {
  for (const form of [text, JSON.stringify(text).slice(1, -1)]) {
    if (form.length >= LENGTH_MIN) leaves.add(form);
  }
}

/**
 * Returns where leaves or their beginnings stand in the text: from the first place of each to the
 * end of the longest one there. Returns null where that takes too long.
 */
function quotesIn(text: string, leaves: ReadonlySet<string>): ReadonlyMap<number, number> | null {
  const places = new Map<string, number[]>();
  for (let at = 0; at + LENGTH_MIN <= text.length; at++) {
    const start = text.slice(at, at + LENGTH_MIN);
    const others = places.get(start);
    if (others === undefined) places.set(start, [at]);
    else others.push(at);
  }
  const quotes = new Map<number, number>();
  let compared = 0;
  for (const leaf of leaves) {
    for (const from of places.get(leaf.slice(0, LENGTH_MIN)) ?? []) {
      let length = LENGTH_MIN;
      while (length < leaf.length && text[from + length] === leaf[length]) length++;
      compared += length;
      if (compared > COMPARED_MAX) return null;
      quotes.set(from, Math.max(quotes.get(from) ?? 0, from + length));
    }
  }
  return quotes;
}
