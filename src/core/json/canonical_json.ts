/**
 * Canonical JSON (RFC 8785): the one text of a value, and the digest that an approval is bound to.
 *
 * Numbers and strings print as ECMAScript prints them, which RFC 8785 section 3.2.2 prescribes.
 * Keys sort by UTF-16 code units (section 3.2.3), which is JavaScript's own order.
 */

import { bytesOf, type Text } from "../bytes.ts";
import { Refusal } from "../errors.ts";
import { isArray, type JsonNode } from "./json.ts";
import { NESTING_DEPTH_MAX } from "../limits.ts";
import { digestOf } from "../sha.ts";
import type { Digest, Json } from "../types.ts";

/** Returns the text of `{"action":…,"payload":…}`. `action` is a name, `payload` an object. */
export function canonicalRequest(action: string, payload: JsonNode): string {
  return `{"action":${JSON.stringify(action)},"payload":${canonicalNode(payload)}}`;
}

/** Returns the action_digest of a canonical request. */
export function actionDigest(canonical: Text): Digest {
  return digestOf(bytesOf(canonical));
}

/** Returns the canonical text of a parsed node. */
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
 * Returns the canonical text of a plain value.
 * Throws a Refusal: payload_not_i_json for what JSON cannot say (NaN, undefined, a Date, a lone
 * surrogate), request_malformed for nesting past NESTING_DEPTH_MAX, cycles included.
 */
export function canonicalJson(value: Json): string {
  return isInOrder(value, 0) ? JSON.stringify(value) : printed(value, 0);
}

/** Tells whether members are in order already: JSON.stringify, which is faster, prints the same. */
function isInOrder(value: unknown, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "boolean" || value === null) return true;
  if (depth === NESTING_DEPTH_MAX) return false;
  if (Array.isArray(value)) { // Array.from, so that holes count too
    return Array.from(value).every((item) => isInOrder(item, depth + 1));
  }
  if (!isRecord(value)) return false;
  let before = "";
  for (const key of Object.keys(value)) {
    if (key < before || !key.isWellFormed() || !isInOrder(value[key], depth + 1)) return false;
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
  if (!members.every(([key]) => key.isWellFormed())) throw loneSurrogate();
  return canonicalObject(members, (item) => printed(item, depth + 1));
}

function canonicalObject<T>(
  members: readonly (readonly [string, T])[],
  print: (value: T) => string,
): string {
  const sorted = members.toSorted(([a], [b]) => a < b ? -1 : 1);
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${print(value)}`).join(",")}}`;
}

function printedString(text: string): string {
  if (!text.isWellFormed()) throw loneSurrogate();
  return JSON.stringify(text);
}

function loneSurrogate(): Refusal {
  return new Refusal("payload_not_i_json", "A string holds a lone surrogate.");
}

/**
 * Tells an object literal, of any realm, from a Date, a Map and others that are not their members.
 */
function isRecord(value: unknown): value is Record<string, Json> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
