/**
 * The grammar that both readers of JSON share: characters by their codes, in ASCII and so in UTF-8
 * and UTF-16, the rules that I-JSON (RFC 7493) adds to JSON (RFC 8259), and the refusals.
 */

import { utf8Encode } from "../bytes.ts";
import { Refusal } from "../errors.ts";
import { NESTING_DEPTH_MAX } from "../limits.ts";

const WRITTEN_ZERO = /^-?0(?:\.0+)?(?:[eE]|$)/;

/**
 * Names what keeps a JSON number out of I-JSON; undefined where nothing does. An integer is written
 * without fraction and exponent.
 */
export function numberFault(lexeme: string, value: number, isInteger: boolean): string | undefined {
  if (!Number.isFinite(value)) return "a number past the double range";
  if (value === 0 && !WRITTEN_ZERO.test(lexeme)) return "a number that would become 0";
  if (isInteger && !Number.isSafeInteger(value)) return "an integer outside ±(2^53 − 1)";
  return undefined;
}

/** Names what keeps a string out of I-JSON (section 2.1). */
export const ODD_TEXT = "a lone surrogate or a noncharacter";

/** Tells whether I-JSON keeps a code point out of strings. */
export function isNoncharacter(point: number): boolean {
  return (point & 0xfffe) === 0xfffe || (point >= 0xfdd0 && point <= 0xfdef);
}

/** Tells the codes apart: the rest of the text is unread, and may not even be JSON. */
export function notIJson(text: string, what: string): Refusal {
  try {
    JSON.parse(text);
  } catch {
    return malformed();
  }
  return new Refusal("payload_not_i_json", `The text holds ${what}.`);
}

export function malformed(): Refusal {
  return new Refusal("request_malformed", "The text is not JSON.");
}

export function notUtf8(): Refusal {
  return new Refusal("request_malformed", "The text is not UTF-8.");
}

export function tooDeep(): Refusal {
  return new Refusal(
    "request_malformed",
    `The text nests deeper than ${NESTING_DEPTH_MAX} levels.`,
  );
}

export const TAB = 0x09;
export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const POINT = 0x2e;
export const ZERO = 0x30;
const NINE = 0x39;
export const COLON = 0x3a;
export const UPPER_E = 0x45;
export const OPEN_ARRAY = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_ARRAY = 0x5d;
export const LOWER_E = 0x65;
export const LOWER_F = 0x66;
export const LOWER_N = 0x6e;
export const LOWER_T = 0x74;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const LOWER_U = 0x75;

/** Values by ASCII character; `otherwise` for every other byte. */
function byteTable(
  entries: Iterable<readonly [character: string, value: number]>,
  otherwise = 0,
): Uint8Array {
  const values = new Uint8Array(256).fill(otherwise);
  for (const [character, value] of entries) values[character.charCodeAt(0)] = value;
  return values;
}

const NOT_HEX = 255;
const HEX_VALUE: Uint8Array = byteTable(
  [..."0123456789abcdefABCDEF"].map((digit) => [digit, parseInt(digit, 16)]),
  NOT_HEX,
);
/** The character that the letter of an escape stands for; 0 where there is no such escape. */
const ESCAPED: Uint8Array = byteTable(
  [...'"\\/bfnrt'].map((letter, i) => [letter, '"\\/\b\f\n\r\t'.charCodeAt(i)]),
);
/** 1 for what a number may be written with. */
export const IN_NUMBER: Uint8Array = byteTable(
  [..."0123456789+-.eE"].map((character) => [character, 1]),
);
/** How ASCII characters print inside of a string. */
export const PRINTED: readonly Uint8Array[] = Array.from(
  { length: 0x80 },
  (_, code) => utf8Encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);

/** Returns the UTF-16 code unit that the escape at `at` stands for; undefined where it is none. */
export function escapedUnit(bytes: Uint8Array, at: number): number | undefined {
  const letter = bytes[at + 1] ?? 0;
  if (letter !== LOWER_U) return ESCAPED[letter] || undefined;
  let unit = 0;
  for (let i = at + 2; i < at + 2 + 4; i++) {
    const digit = HEX_VALUE[bytes[i] ?? 0] ?? NOT_HEX;
    if (digit === NOT_HEX) return undefined;
    unit = unit << 4 | digit;
  }
  return unit;
}

/** Returns how many bytes the escape at `at` takes. */
export function escapeLength(bytes: Uint8Array, at: number): number {
  return bytes[at + 1] === LOWER_U ? 6 : 2;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
