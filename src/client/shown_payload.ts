/**
 * A payload as an approver is shown it, on a terminal and on a page.
 *
 * Invariant: it is shown whole, in the order of its canonical text, and parses back to what is
 * signed.
 */

import { utf8Encode } from "../core/bytes.ts";
import { canonicalJson } from "../core/json/canonical_json.ts";
import { isArray, parseCanonical, toValue } from "../core/json/json.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { marked, visible, visibleAscii } from "../core/visible.ts";
import { iJsonText } from "./json.ts";

export interface ShownPayload {
  /** The lines of the laid-out JSON, all suspicious characters marked. */
  readonly lines: readonly string[];
  /** One line of ASCII where letters could still pass for others; null where all are ASCII. */
  readonly ascii: string | null;
  /** Length of the canonical text (RFC 8785), UTF-8. */
  readonly bytes: number;
}

export function shownPayload(payload: JsonObject): ShownPayload {
  const canonical = canonicalJson(payload);
  const ascii = visibleAscii(canonical);
  return {
    lines: pretty(toValue(parseCanonical(canonical)), marked).split("\n"),
    ascii: ascii === canonical ? null : ascii,
    bytes: utf8Encode(canonical).length,
  };
}

/** Says how long it is, such as "3 lines, 1,024 bytes". */
export function payloadLength({ lines, bytes }: ShownPayload): string {
  return `${counted(lines.length, "line")}, ${counted(bytes, "byte")}`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

/** Spaces before a line: deeper nesting would multiply the length of what is shown. */
const INDENT_MAX = 32;

/**
 * Lays JSON out as JSON.stringify(value, null, 2) does, up to 16 levels, with every string made
 * visible. It parses to the very value that it shows.
 */
export function pretty(
  value: Json,
  show: (text: string) => string = visible,
  indent = "",
): string {
  const inner = indent.length < INDENT_MAX ? `${indent}  ` : indent;
  if (isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + pretty(item, show, inner)).join(",\n")}\n${indent}]`;
  }
  if (typeof value !== "object" || value === null) return show(iJsonText(value));
  const members = Object.entries(value);
  if (members.length === 0) return "{}";
  const lines = members.map(([name, member]) =>
    `${inner}${show(JSON.stringify(name))}: ${pretty(member, show, inner)}`
  );
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
