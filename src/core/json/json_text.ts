/**
 * JSON that is kept as its text: a stored result is answered without being parsed and printed
 * again, which for a megabyte would hold the event loop for a tenth of a second.
 */

import type { Json } from "../types.ts";

/** A JSON value, parts of which may be texts. */
export type Printable =
  | Json
  | JsonText
  | readonly Printable[]
  | { readonly [name: string]: Printable };

/** Texts that printJson() puts in afterwards; null while nothing is printed. */
let texts: string[] | null = null;
/** Stands for a text in what is printed. Nobody can know it. */
const MARK = crypto.randomUUID();
const MARKED = `"${MARK}"`;

/** A value in JSON, as its canonical text (RFC 8785). */
export class JsonText {
  constructor(readonly text: string) {}

  /** JSON.stringify() calls it. */
  toJSON(): unknown {
    if (texts === null) return JSON.parse(this.text);
    texts.push(this.text);
    return MARK;
  }
}

/** Prints what JSON.stringify() prints, with the texts as they are. */
export function printJson(value: Printable): string {
  const found: string[] = texts = [];
  try {
    const parts = JSON.stringify(value).split(MARKED);
    return parts.map((part, i) => part + (found[i] ?? "")).join("");
  } finally {
    texts = null;
  }
}
