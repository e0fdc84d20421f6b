/**
 * Takes out of an error's text what it quotes of a payload. Errors quote their input more often
 * than not, and a log outlives the retention of payloads.
 *
 * It finds texts and numbers of the payload, whole or cut off at their end, as `JSON.parse` quotes
 * them. A handler that cuts a text at its beginning or rewrites it is not found out.
 */

import type { Json } from "../core/types.ts";

/** Shorter ones are in every text by chance. */
const LENGTH_MIN = 4;
const MARK = "[payload]";

/** `request` is the text of {"action","payload"}. */
export function withoutQuotes(text: string, request: string): string {
  const leaves = new Set(leavesOf(JSON.parse(request).payload));
  return [...leaves].sort((a, b) => b.length - a.length).reduce(withoutLeaf, text);
}

/** A member's name that could stand in code says nothing of the payload. */
const CODE_NAME = /^[A-Za-z_]\w*$/;

function leavesOf(value: Json): string[] {
  if (typeof value === "string") return formsOf(value);
  if (typeof value === "number") return formsOf(String(value));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    ...(Array.isArray(value) || CODE_NAME.test(name) ? [] : formsOf(name)),
    ...leavesOf(member),
  ]);
}

/** The text, and as it stands within JSON. */
function formsOf(text: string): string[] {
  return [text, JSON.stringify(text).slice(1, -1)].filter(({ length }) => length >= LENGTH_MIN);
}

function withoutLeaf(text: string, leaf: string): string {
  const start = leaf.slice(0, LENGTH_MIN);
  let rest = text;
  let clean = "";
  for (let at = rest.indexOf(start); at !== -1; at = rest.indexOf(start)) {
    let length = start.length;
    while (length < leaf.length && rest[at + length] === leaf[length]) length++;
    clean += rest.slice(0, at) + MARK;
    rest = rest.slice(at + length);
  }
  return clean + rest;
}
