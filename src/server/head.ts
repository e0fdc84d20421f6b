/** The three header fields that mean something to an execution, each parsed by its own standard. */

import { Refusal } from "../core/errors.ts";
import { isName } from "../core/limits.ts";

/** Field lines in the order and spelling they came in, names in lower case. */
export type FieldLines = readonly (readonly [name: string, value: string])[];

/** node:http hands fields over as name, value, name, value. */
export function fieldLines(rawHeaders: readonly string[]): FieldLines {
  const fields: (readonly [string, string])[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    fields.push([(rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? ""]);
  }
  return fields;
}

export function valuesOf(fields: FieldLines, name: string): string[] {
  return fields.filter(([candidate]) => candidate === name).map(([, value]) => value);
}

/** RFC 8941 section 3.3.3: a quoted string of visible ASCII and spaces, where `\` escapes only `"` and itself. */
const STRUCTURED_STRING = /^ *"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)" *$/;

/**
 * The nonce in an Idempotency-Key field: one structured-field string that holds 1 to 255 visible ASCII characters.
 * null when absent. Throws a Refusal: request_malformed, where another reader might see another key.
 */
export function idempotencyKey(fields: FieldLines): string | null {
  const values = valuesOf(fields, "idempotency-key");
  const [value] = values;
  if (value === undefined) return null;
  const key = values.length === 1
    ? STRUCTURED_STRING.exec(value)?.[1]?.replaceAll(/\\(.)/g, "$1")
    : undefined;
  if (key === undefined || !isName(key)) {
    throw new Refusal(
      "request_malformed",
      'Idempotency-Key must be one quoted string of 1 to 255 visible ASCII characters, such as "n-1".',
    );
  }
  return key;
}

/** A wait that is longer than this would only hold a connection; ask again instead. */
const WAIT_SECONDS_MAX = 300;

/**
 * Milliseconds of the first `wait` in Prefer (RFC 7240 section 4.3), at most 300,000; 0 when absent. A preference that makes no
 * sense is ignored, as section 2 asks.
 */
export function preferredWaitMs(fields: FieldLines): number {
  const preferences = valuesOf(fields, "prefer").flatMap((value) => value.split(","));
  for (const preference of preferences) {
    const [name = "", value = ""] = (preference.split(";")[0] ?? "").split("=").map((part) =>
      part.trim()
    );
    if (name.toLowerCase() !== "wait") continue;
    const seconds = /^("?)(\d{1,9})\1$/.exec(value)?.[2];
    return seconds === undefined ? 0 : Math.min(Number(seconds), WAIT_SECONDS_MAX) * 1000;
  }
  return 0;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** W3C Trace Context section 3.2. null when absent, repeated or invalid: a trace that cannot be followed is none. */
export function traceparent(fields: FieldLines): string | null {
  const values = valuesOf(fields, "traceparent");
  const value = values[0]?.trim();
  const match = values.length === 1 && value !== undefined ? TRACEPARENT.exec(value) : null;
  if (match === null || value === undefined) return null;
  const [, version, traceId = "", parentId = "", more] = match;
  const isKnown = version === "00" ? more === undefined : version !== "ff";
  const isZero = /^0+$/.test(traceId) || /^0+$/.test(parentId);
  return isKnown && !isZero ? value.slice(0, "00-".length + 32 + 1 + 16 + 3) : null;
}
