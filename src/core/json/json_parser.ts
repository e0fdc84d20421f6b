/**
 * The JSON parser (RFC 8259), strict as I-JSON (RFC 7493), in one pass over the text.
 *
 * It refuses as payload_not_i_json, where the text is JSON at all: a key twice in one object
 * however it is spelled, a surrogate without its other half, a noncharacter, a number past the
 * double range, a number that is not 0 but would become 0, and an integer (no fraction, no
 * exponent) outside ±(2^53 − 1). It refuses everything else that does not parse as
 * request_malformed, which includes a byte-order mark, trailing text, and nesting past
 * NESTING_DEPTH_MAX.
 */

import {
  BACKSLASH,
  CARRIAGE_RETURN,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isDigit,
  LINE_FEED,
  LOWER_E,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  malformed,
  MINUS,
  notIJson,
  numberFault,
  ODD_TEXT,
  OPEN_ARRAY,
  OPEN_OBJECT,
  PLUS,
  POINT,
  QUOTE,
  SPACE,
  TAB,
  tooDeep,
  UPPER_E,
  ZERO,
} from "./json_grammar.ts";
import { NESTING_DEPTH_MAX } from "../limits.ts";

export type JsonMember = readonly [key: string, value: JsonNode];

/** A parsed text. Members keep their order and are unique. A lexeme is a number's own text. */
export type JsonNode =
  | { readonly kind: "object"; readonly members: readonly JsonMember[] }
  | { readonly kind: "array"; readonly items: readonly JsonNode[] }
  | { readonly kind: "number"; readonly lexeme: string; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "literal"; readonly value: true | false | null };

/** "canonical" admits what RFC 8785 can print: any integer that is a double, and noncharacters. */
export type Dialect = "i-json" | "canonical";

const FIRST_SURROGATE = 0xd800;

/** Characters that a string may hold unescaped, and that stand for themselves in every dialect. */
const PLAIN_RUN = /[ !#-[\]-\ud7ff]*/y;
/** The rest of a longer run is matched at once, which is dearer to begin and cheaper to go on. */
const UNITS_LOOKED_AT = 32;
/** Unicode code points that I-JSON keeps out of strings (RFC 7493 section 2.1). */
const NONCHARACTER = /\p{Noncharacter_Code_Point}/u;
const HEX_4 = /^[0-9a-fA-F]{4}$/;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** Parses one text, once. */
export class Parser {
  readonly #text: string;
  readonly #dialect: Dialect;
  #at = 0;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
  }

  /** Throws a Refusal: payload_not_i_json, request_malformed. */
  parse(): JsonNode {
    const node = this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw malformed();
    return node;
  }

  #value(depth: number): JsonNode {
    this.#skipSpace();
    switch (this.#text.charCodeAt(this.#at)) {
      case OPEN_OBJECT:
        return this.#object(depth + 1);
      case OPEN_ARRAY:
        return this.#array(depth + 1);
      case QUOTE:
        return { kind: "string", value: this.#string() };
      case LOWER_T:
        return this.#literal("true", true);
      case LOWER_F:
        return this.#literal("false", false);
      case LOWER_N:
        return this.#literal("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonNode {
    if (depth > NESTING_DEPTH_MAX) throw tooDeep();
    const members: JsonMember[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take(CLOSE_OBJECT)) return { kind: "object", members };
    do {
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw malformed();
      const key = this.#string();
      this.#skipSpace();
      if (!this.#take(COLON)) throw malformed();
      members.push([key, this.#value(depth)]);
      this.#skipSpace();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_OBJECT)) throw malformed();
    if (hasKeyTwice(members)) throw notIJson(this.#text, "a key twice");
    return { kind: "object", members };
  }

  #array(depth: number): JsonNode {
    if (depth > NESTING_DEPTH_MAX) throw tooDeep();
    const items: JsonNode[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take(CLOSE_ARRAY)) return { kind: "array", items };
    do {
      items.push(this.#value(depth));
      this.#skipSpace();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_ARRAY)) throw malformed();
    return { kind: "array", items };
  }

  #literal(word: string, value: true | false | null): JsonNode {
    if (!this.#text.startsWith(word, this.#at)) throw malformed();
    this.#at += word.length;
    return { kind: "literal", value };
  }

  #number(): JsonNode {
    const start = this.#at;
    this.#take(MINUS);
    if (!this.#take(ZERO)) this.#digits();
    const afterInteger = this.#at;
    if (this.#take(POINT)) this.#digits();
    if (this.#take(LOWER_E) || this.#take(UPPER_E)) {
      if (!this.#take(MINUS)) this.#take(PLUS);
      this.#digits();
    }
    const isInteger = this.#at === afterInteger;
    const lexeme = this.#text.slice(start, this.#at);
    const value = Number(lexeme);
    const fault = numberFault(lexeme, value, isInteger && this.#dialect === "i-json");
    if (fault !== undefined) throw notIJson(this.#text, fault);
    return { kind: "number", lexeme, value };
  }

  /** Reads one digit or more. */
  #digits(): void {
    const start = this.#at;
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) throw malformed();
  }

  #string(): string {
    const text = this.#text;
    let value = "";
    let from = ++this.#at;
    let isPlain = true;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        value += text.slice(from, this.#at) + this.#escape();
        from = this.#at;
        isPlain = false;
      } else if (code >= SPACE) {
        isPlain &&= code < FIRST_SURROGATE;
        this.#at++;
        if ((this.#at - from) % UNITS_LOOKED_AT === 0) this.#at = endOfPlainRun(text, this.#at);
      } else {
        throw malformed(); // a control character, or NaN: the end of the text
      }
    }
    value += text.slice(from, this.#at++);
    if (!isPlain && !this.#admits(value)) {
      throw notIJson(this.#text, ODD_TEXT);
    }
    return value;
  }

  /** Reads one escape, from its backslash on. */
  #escape(): string {
    const letter = this.#text.charAt(this.#at + 1);
    if (letter === "u") {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!HEX_4.test(digits)) throw malformed();
      this.#at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const character = ESCAPES.get(letter);
    if (character === undefined) throw malformed();
    this.#at += 2;
    return character;
  }

  #admits(text: string): boolean {
    return text.isWellFormed() && (this.#dialect === "canonical" || !NONCHARACTER.test(text));
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== LINE_FEED && code !== CARRIAGE_RETURN && code !== TAB) return;
      this.#at++;
    }
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }
}

/**
 * Sorts and compares neighbours, because a Set can be attacked: V8 hashes keys that look like array
 * indices by their value, without a seed, and 2 MiB of keys chosen to collide take half a minute.
 */
function hasKeyTwice(members: readonly JsonMember[]): boolean {
  const keys = members.map(([key]) => key).sort();
  return keys.some((key, i) => i > 0 && key === keys[i - 1]);
}

function endOfPlainRun(text: string, from: number): number {
  PLAIN_RUN.lastIndex = from;
  PLAIN_RUN.test(text);
  return PLAIN_RUN.lastIndex;
}
