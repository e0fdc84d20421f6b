/**
 * Reads a text as I-JSON (RFC 7493) and prints it as canonical JSON (RFC 8785), in one pass over
 * its bytes and without a tree in between: the cost of a body that nobody approved yet.
 *
 * Invariants:
 * - It admits and refuses what json_parser.ts does in the dialect "i-json", with the same codes,
 *   and prints what canonicalNode() prints of that parse. A differential test holds it to both.
 * - Time and memory grow with the bytes read: a number prints at most six times as long as it was
 *   written, and the members of an object are sorted, never hashed.
 */

import { utf8Decode, utf8Encode } from "../bytes.ts";
import { CanonicalOutput, type Member } from "./canonical_output.ts";
import {
  BACKSLASH,
  CARRIAGE_RETURN,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  escapedUnit,
  escapeLength,
  IN_NUMBER,
  isDigit,
  isNoncharacter,
  LINE_FEED,
  malformed,
  MINUS,
  notIJson,
  notUtf8,
  numberFault,
  ODD_TEXT,
  OPEN_ARRAY,
  OPEN_OBJECT,
  POINT,
  PRINTED,
  QUOTE,
  SPACE,
  TAB,
  tooDeep,
  ZERO,
} from "./json_grammar.ts";
import { NESTING_DEPTH_MAX } from "../limits.ts";

/** A member of the outermost object. Both texts are UTF-8. */
export interface MemberText {
  readonly name: string;
  readonly written: Uint8Array;
  readonly canonical: Uint8Array;
}

/**
 * Returns the members of an object in their order; null where the text is another value. Throws a
 * Refusal: payload_not_i_json where the text is JSON (RFC 8259) at all, otherwise
 * request_malformed.
 */
export function readMembers(bytes: Uint8Array): readonly MemberText[] | null {
  return new CanonicalReader(bytes).members();
}

/** The first byte of the UTF-8 of U+F000, and so of everything that may be a noncharacter. */
const LEAD_OF_NONCHARACTERS = 0xef;

const NOTHING = new Uint8Array();
const TRUE = utf8Encode("true");
const FALSE = utf8Encode("false");
const NULL = utf8Encode("null");
/**
 * A decimal of so many digits is the shortest one of its double (IEEE 754: 15 digits survive), so
 * it prints as it is written, unless it begins or ends with a zero that does not count.
 */
const PLAIN_DIGITS_MAX = 15;
const NUMBER = /^-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;
class CanonicalReader {
  readonly #in: Uint8Array;
  readonly #text: string;
  #at = 0;
  readonly #out: CanonicalOutput;

  constructor(bytes: Uint8Array) {
    const text = utf8Decode(bytes);
    if (text === undefined) throw notUtf8();
    this.#in = bytes;
    this.#text = text;
    this.#out = new CanonicalOutput(bytes.length);
  }

  members(): readonly MemberText[] | null {
    this.#skipSpace();
    if (this.#in[this.#at] !== OPEN_OBJECT) {
      this.#value(0);
      this.#end();
      return null;
    }
    const written: Uint8Array[] = [];
    const members = this.#membersOf(1, (from) => written.push(this.#in.subarray(from, this.#at)));
    if (this.#out.inOrder(members) === undefined) throw notIJson(this.#text, "a key twice");
    this.#end();
    return members.map(({ from, keyTo, to }, i) => ({
      name: String(JSON.parse(utf8Decode(this.#out.slice(from, keyTo)) ?? "")),
      written: written[i] ?? NOTHING,
      canonical: this.#out.slice(keyTo + 1, to),
    }));
  }

  #end(): void {
    this.#skipSpace();
    if (this.#at !== this.#in.length) throw malformed();
  }

  #value(depth: number): void {
    this.#skipSpace();
    const first = this.#in[this.#at];
    if (first === QUOTE) this.#string();
    else if (first === OPEN_OBJECT) this.#object(depth + 1);
    else if (first === OPEN_ARRAY) this.#array(depth + 1);
    else if (first === MINUS || isDigit(first)) this.#number();
    else if (first === TRUE[0]) this.#literal(TRUE);
    else if (first === FALSE[0]) this.#literal(FALSE);
    else this.#literal(NULL);
  }

  #object(depth: number): void {
    this.#out.put(OPEN_OBJECT);
    if (!this.#out.arrange(this.#membersOf(depth))) throw notIJson(this.#text, "a key twice");
    this.#out.put(CLOSE_OBJECT);
  }

  /** Reads an object and prints its members in their order. `read` is called after each value. */
  #membersOf(depth: number, read?: (valueFrom: number) => void): Member[] {
    if (depth > NESTING_DEPTH_MAX) throw tooDeep();
    const members: Member[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take(CLOSE_OBJECT)) return members;
    do {
      if (members.length > 0) this.#out.put(COMMA);
      this.#skipSpace();
      if (this.#in[this.#at] !== QUOTE) throw malformed();
      const from = this.#out.length;
      this.#string();
      const keyTo = this.#out.length;
      this.#skipSpace();
      if (!this.#take(COLON)) throw malformed();
      this.#out.put(COLON);
      this.#skipSpace();
      const valueFrom = this.#at;
      this.#value(depth);
      read?.(valueFrom);
      members.push({ from, keyTo, to: this.#out.length });
      this.#skipSpace();
    } while (this.#take(COMMA));
    if (!this.#take(CLOSE_OBJECT)) throw malformed();
    return members;
  }

  #array(depth: number): void {
    if (depth > NESTING_DEPTH_MAX) throw tooDeep();
    this.#at++;
    this.#out.put(OPEN_ARRAY);
    this.#skipSpace();
    if (!this.#take(CLOSE_ARRAY)) {
      this.#value(depth);
      this.#skipSpace();
      while (this.#take(COMMA)) {
        this.#out.put(COMMA);
        this.#value(depth);
        this.#skipSpace();
      }
      if (!this.#take(CLOSE_ARRAY)) throw malformed();
    }
    this.#out.put(CLOSE_ARRAY);
  }

  #literal(word: Uint8Array): void {
    const from = this.#at;
    for (let i = 0; i < word.length; i++) {
      if (!this.#take(word[i] ?? 0)) throw malformed();
    }
    this.#out.putFrom(this.#in, from, this.#at);
  }

  #number(): void {
    const from = this.#at;
    if (this.#in[from] === MINUS) this.#at++;
    const isZero = this.#in[this.#at] === ZERO;
    let digits = this.#digits();
    let isPlain = digits > 0 && (!isZero || this.#at === from + 1);
    if (this.#take(POINT)) {
      digits += this.#digits();
      const last = this.#in[this.#at - 1];
      isPlain &&= !isZero && last !== ZERO && last !== POINT;
    }
    isPlain &&= digits <= PLAIN_DIGITS_MAX && IN_NUMBER[this.#in[this.#at] ?? 0] === 0;
    if (isPlain) this.#out.putFrom(this.#in, from, this.#at);
    else this.#oddNumber(from);
  }

  /** Reads digits; returns their number. */
  #digits(): number {
    const from = this.#at;
    while (isDigit(this.#in[this.#at])) this.#at++;
    return this.#at - from;
  }

  /** Reads a number that may print otherwise than it is written, or is none. */
  #oddNumber(from: number): void {
    while (IN_NUMBER[this.#in[this.#at] ?? 0] === 1) this.#at++;
    let lexeme = "";
    for (let at = from; at < this.#at; at++) lexeme += String.fromCharCode(this.#in[at] ?? 0);
    const match = NUMBER.exec(lexeme);
    if (match === null) throw malformed();
    const value = Number(lexeme);
    const fault = numberFault(lexeme, value, match[1] === "");
    if (fault !== undefined) throw notIJson(this.#text, fault);
    const text = JSON.stringify(value);
    for (let i = 0; i < text.length; i++) this.#out.put(text.charCodeAt(i));
  }

  #string(): void {
    let from = this.#at++;
    for (;;) {
      const byte = this.#in[this.#at] ?? 0;
      if (byte === QUOTE) break;
      if (byte < SPACE) throw malformed(); // a control character, or the end of the text
      if (byte === BACKSLASH) {
        this.#out.putFrom(this.#in, from, this.#at);
        this.#escape();
        from = this.#at;
      } else if (byte >= LEAD_OF_NONCHARACTERS) {
        if (isNoncharacter(this.#point(byte))) throw notIJson(this.#text, ODD_TEXT);
      } else {
        this.#at++;
      }
    }
    this.#at++;
    this.#out.putFrom(this.#in, from, this.#at);
  }

  /** Reads one code point of three or four bytes. */
  #point(lead: number): number {
    const length = lead < 0xf0 ? 3 : 4;
    let point = lead & (0xff >> length + 1);
    for (let i = 1; i < length; i++) point = point << 6 | (this.#in[this.#at + i] ?? 0) & 0x3f;
    this.#at += length;
    return point;
  }

  /** Reads one escape, or the two of a surrogate pair, and prints the character. */
  #escape(): void {
    const unit = this.#escapedUnit();
    if (unit < 0x80) {
      const printed = PRINTED[unit] ?? NOTHING;
      return this.#out.putFrom(printed, 0, printed.length);
    }
    const point = unit < 0xd800 || unit > 0xdfff ? unit : this.#pairOf(unit);
    if (isNoncharacter(point)) throw notIJson(this.#text, ODD_TEXT);
    this.#out.putPoint(point);
  }

  /** Reads the other half of a surrogate pair; returns the code point. */
  #pairOf(high: number): number {
    const isPair = high < 0xdc00 && this.#in[this.#at] === BACKSLASH;
    const low = isPair ? this.#escapedUnit() : 0;
    if (low < 0xdc00 || low > 0xdfff) throw notIJson(this.#text, ODD_TEXT);
    return 0x10000 + (high - 0xd800 << 10) + low - 0xdc00;
  }

  #escapedUnit(): number {
    const unit = escapedUnit(this.#in, this.#at);
    if (unit === undefined) throw malformed();
    this.#at += escapeLength(this.#in, this.#at);
    return unit;
  }

  #skipSpace(): void {
    for (;;) {
      const byte = this.#in[this.#at];
      if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return;
      this.#at++;
    }
  }

  #take(byte: number): boolean {
    if (this.#in[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }
}
