/**
 * Canonical JSON (RFC 8785): the one text of a value, and what digests are taken of.
 *
 * Numbers and strings print as ECMAScript prints them, which RFC 8785 section 3.2.2 prescribes; keys sort by UTF-16 code
 * units (section 3.2.3), which is JavaScript's own order.
 */

import { Refusal } from "./errors.ts";
import type { JsonNode } from "./json.ts";
import { NESTING_DEPTH_MAX } from "./limits.ts";
import type { Json } from "./types.ts";
import { isWellFormed } from "./unicode.ts";

/** The canonical text of a parsed node. */
export function canonicalNode(node: JsonNode): string {
  switch (node.kind) {
    case "object":
      return canonicalObject(node.members, canonicalNode);
    case "array":
      return `[${node.items.map(canonicalNode).join(",")}]`;
    default:
      return JSON.stringify(node.value);
  }
}

/**
 * The canonical text of a plain value.
 * Throws a Refusal: payload_not_i_json for what JSON cannot say (NaN, undefined, a Date, a lone surrogate),
 * request_malformed for nesting past NESTING_DEPTH_MAX, cycles included.
 */
export function canonicalJson(value: Json): string {
  return isInOrder(value, 0) ? JSON.stringify(value) : printed(value, 0);
}

/** Whether JSON.stringify prints the canonical text of `value`, members being in order already: it is the faster way. */
function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value === "string") return isWellFormed(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "boolean" || value === null) return true;
  if (depth === NESTING_DEPTH_MAX) return false;
  if (Array.isArray(value)) return Array.from(value).every((item) => isInOrder(item, depth + 1)); // holes too
  if (!isRecord(value)) return false;
  let before = "";
  for (const key of Object.keys(value)) {
    if (key < before || !isWellFormed(key) || !isInOrder(value[key], depth + 1)) return false;
    before = key;
  }
  return true;
}

function printed(value: Json, depth: number): string {
  if (typeof value === "string") return printedString(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (typeof value === "boolean" || value === null) return String(value);
  if (depth === NESTING_DEPTH_MAX) {
    throw new Refusal("request_malformed", "The value nests too deeply.");
  }
  if (isArray(value)) return `[${Array.from(value, (item) => printed(item, depth + 1)).join(",")}]`;
  if (!isRecord(value)) throw new Refusal("payload_not_i_json", "The value is not JSON.");
  const members = Object.entries(value);
  if (!members.every(([key]) => isWellFormed(key))) throw loneSurrogate();
  return canonicalObject(members, (item) => printed(item, depth + 1));
}

function canonicalObject<T>(
  members: readonly (readonly [string, T])[],
  print: (value: T) => string,
): string {
  let text = "";
  for (
    const [key, value] of isSorted(members)
      ? members
      : members.toSorted(([a], [b]) => a < b ? -1 : 1)
  ) {
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${print(value)}`;
  }
  return `{${text}}`;
}

function isSorted(members: readonly (readonly [string, unknown])[]): boolean {
  for (let i = 1; i < members.length; i++) {
    const [before, after] = [members[i - 1], members[i]];
    if (before !== undefined && after !== undefined && after[0] < before[0]) return false;
  }
  return true;
}

function printedString(text: string): string {
  if (!isWellFormed(text)) throw loneSurrogate();
  return JSON.stringify(text);
}

function loneSurrogate(): Refusal {
  return new Refusal("payload_not_i_json", "A string holds a lone surrogate.");
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** An object literal, of this realm or another: not a Date, a Map or anything else whose content is not its members. */
function isRecord(value: unknown): value is Record<string, Json> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
