/** The rules that I-JSON (RFC 7493) adds to JSON (RFC 8259), and the refusals of both readers. */

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
