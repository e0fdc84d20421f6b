/** The query of a request target: `name=value` pairs, percent-encoded (RFC 3986 section 3.4), read strictly. */

import { Refusal } from "../core/errors.ts";

export type Query = ReadonlyMap<string, string>;

/**
 * `+` is a plus, as a nonce may hold one. Throws a Refusal: request_malformed, for a pair that is repeated, not asked for,
 * or not decodable.
 */
export function parseQuery(text: string, allowed: readonly string[]): Query {
  const query = new Map<string, string>();
  for (const pair of text === "" ? [] : text.split("&")) {
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    if (!allowed.includes(name) || query.has(name)) {
      throw malformed(
        `The query takes ${allowed.length === 0 ? "nothing" : `${allowed.join(", ")}, each once`}.`,
      );
    }
    query.set(name, equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("The query is not percent-encoded UTF-8.");
  }
}

/** A whole number of at most 15 digits; null when absent. Throws a Refusal: request_malformed. */
export function wholeNumber(query: Query, name: string): number | null {
  const text = query.get(name);
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw malformed(`${name} must be a whole number.`);
  return Number(text);
}

/** Throws a Refusal: request_malformed, also when absent. */
export function requiredWholeNumber(query: Query, name: string): number {
  const value = wholeNumber(query, name);
  if (value === null) throw malformed(`${name} is missing from the query.`);
  return value;
}

function malformed(detail: string): Refusal {
  return new Refusal("request_malformed", detail);
}
