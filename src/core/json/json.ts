/** JSON as openexec holds it: numbers as they were written, members in their order. */

import { utf8Decode } from "../bytes.ts";
import type { Json, JsonObject } from "../types.ts";
import { notUtf8 } from "./json_grammar.ts";
import { type JsonNode, Parser } from "./json_parser.ts";

export type { JsonMember, JsonNode } from "./json_parser.ts";

/**
 * Parses a text from outside as I-JSON (RFC 7493). Throws a Refusal: payload_not_i_json where the
 * text is JSON (RFC 8259) at all, otherwise request_malformed.
 */
export function parseIJson(input: Uint8Array | string): JsonNode {
  const text = typeof input === "string" ? input : utf8Decode(input);
  if (text === undefined) throw notUtf8();
  return new Parser(text, "i-json").parse();
}

/**
 * Parses what canonicalJson can print, which is more than I-JSON admits: a double of 2^53 or more
 * prints as an integer (1e20 as 100000000000000000000) and is read back as that double, and
 * noncharacters pass. Throws a Refusal as parseIJson does.
 */
export function parseCanonical(text: string): JsonNode {
  return new Parser(text, "canonical").parse();
}

/** Returns the plain value. Objects have no prototype, so `__proto__` is a key like any other. */
export function toValue(node: JsonNode): Json {
  if (node.kind === "array") return node.items.map(toValue);
  if (node.kind !== "object") return node.value;
  const object: Record<string, Json> = Object.create(null);
  for (const [key, value] of node.members) object[key] = toValue(value);
  return object;
}

/** Returns the member `key` of an object; undefined where there is none, or `node` is no object. */
export function memberOf(node: JsonNode, key: string): JsonNode | undefined {
  return node.kind === "object" ? node.members.find(([name]) => name === key)?.[1] : undefined;
}

/** Takes what JSON.parse() gives. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Array.isArray does not narrow a readonly array. */
export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
