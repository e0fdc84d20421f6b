/**
 * JSON as openexec holds it: numbers as they were written, members in their order, and stored
 * results as their text. Those are answered without being parsed and printed again, which for a
 * megabyte would hold the event loop for a tenth of a second.
 */

import { bytesOf, concatBytes, stringOf, type Text, utf8Decode } from "../bytes.ts";
import type { Json } from "../types.ts";
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

/** Array.isArray does not narrow a readonly array. */
export function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** A JSON value, parts of which may be texts. */
export type Printable =
  | Json
  | JsonText
  | readonly Printable[]
  | { readonly [name: string]: Printable };

/** Texts that printJson() puts in afterwards; null while nothing is printed. */
let texts: Text[] | null = null;
/** Stands for a text in what is printed. Nobody can know it. */
const MARK = crypto.randomUUID();
const MARKED = `"${MARK}"`;

/** A value in JSON, as its canonical text. */
export class JsonText {
  readonly text: Text; // no parameter property: the page's script is this code without its types

  constructor(text: Text) {
    this.text = text;
  }

  /** JSON.stringify() calls it. */
  toJSON(): unknown {
    if (texts === null) return JSON.parse(stringOf(this.text));
    texts.push(this.text);
    return MARK;
  }
}

/**
 * Prints what JSON.stringify() prints, with the texts as they are, and a newline. UTF-8 where one
 * of the texts is.
 */
export function printJson(value: Printable): Text {
  const found: Text[] = texts = [];
  try {
    const parts = JSON.stringify(value).split(MARKED);
    const pieces = parts.flatMap((part, i) => [part, found[i] ?? ""]).concat("\n");
    if (!pieces.some((piece) => typeof piece !== "string")) return pieces.join("");
    return concatBytes(
      ...pieces.map(bytesOf),
    );
  } finally {
    texts = null;
  }
}
