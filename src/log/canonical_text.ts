/**
 * Whether a text is RFC 8785, for a whole log of texts: the runtime prints the value again, and a second look makes sure
 * that no other text would have parsed to it.
 */

import type { Json } from "../core/types.ts";

/** The value of a JSON text, undefined when it is none: the last of two equal names wins, any white space goes. */
export function parseLoosely(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/**
 * Whether `text`, which parsed to `value`, is the one RFC 8785 text of it. Only for values of a known shape that is not
 * deep and has no integer-like member names (JavaScript moves those to the front): such a text is refused.
 */
export function isCanonicalText(text: string, value: Json): boolean {
  // RFC 8785 prints numbers and strings as JavaScript does; what that leaves open is the order of members.
  return JSON.stringify(value) === text && isOrdered(value);
}

/** By UTF-16 code units, in every object. */
function isOrdered(value: Json): boolean {
  if (typeof value !== "object" || value === null) return true;
  let last: string | undefined;
  for (const [name, member] of Object.entries(value)) {
    if (last !== undefined && !Array.isArray(value) && name <= last) return false;
    if (!isOrdered(member)) return false;
    last = name;
  }
  return true;
}
