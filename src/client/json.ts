/** JSON at the SDK's edge: what came in, and the JSON of a caller's object, to be digested. */

import { isArray, isJsonObject } from "../core/json/json.ts";
import { base64Decode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { NESTING_DEPTH_MAX } from "../core/limits.ts";
import type { Json, JsonObject } from "../core/types.ts";

export function objectOf(value: Json): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined;
}

/** Reads the member `hashes` of a proof, base64 of 32 bytes each. Returns undefined for others. */
export function hashesOf(value: Json): readonly Uint8Array[] | undefined {
  const listed = isJsonObject(value) ? value["hashes"] : undefined;
  if (!Array.isArray(listed)) return undefined;
  const hashes = listed.map((text) => typeof text === "string" ? base64Decode(text) : undefined)
    .filter((hash) => hash?.length === 32).filter((hash) => hash !== undefined);
  return hashes.length === listed.length ? hashes : undefined;
}

/**
 * Copies a value into the JSON it stands for: the caller cannot change it once it is approved.
 *
 * It leaves out members that are `undefined`, as JSON.stringify does. It refuses every other value
 * without a JSON form (NaN, bigint, Date, class instances): JSON.stringify would turn such an
 * amount into null, and a person would approve that.
 * Throws Refusal payload_not_i_json, and request_malformed for nesting past NESTING_DEPTH_MAX,
 * cycles included.
 */
export function jsonOf(value: unknown, depth = 1): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (depth > NESTING_DEPTH_MAX) {
    throw new Refusal("request_malformed", "the payload nests too deeply");
  }
  if (Array.isArray(value)) return Array.from(value, (item) => jsonOf(item, depth + 1));
  if (typeof value === "object" && isPlain(value)) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(entries.map(([name, member]) => [name, jsonOf(member, depth + 1)]));
  }
  throw new Refusal("payload_not_i_json", `a ${kindOf(value)} has no JSON form; convert it first`);
}

/**
 * Prints I-JSON text (RFC 7493) that reads back as the same value. RFC 8785 would print 1e20 as an
 * integer, which I-JSON refuses because most readers cannot hold it; here it keeps its exponent.
 */
export function iJsonText(value: Json): string {
  if (typeof value === "number") {
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? value.toExponential()
      : JSON.stringify(value);
  }
  if (isArray(value)) return `[${value.map(iJsonText).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) =>
    `${JSON.stringify(name)}:${iJsonText(member)}`
  );
  return `{${members.join(",")}}`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindOf(value: unknown): string {
  return typeof value === "number"
    ? String(value)
    : typeof value === "object"
    ? "class instance"
    : typeof value;
}
