/**
 * JSON that is kept as its text: a stored result is answered without being parsed and printed
 * again, which for a megabyte would hold the event loop for a tenth of a second.
 */

import { bytesOf, concatBytes, stringOf, type Text } from "../bytes.ts";
import type { Json } from "../types.ts";

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
  constructor(readonly text: Text) {}

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
    return concatBytes(...pieces.map(bytesOf));
  } finally {
    texts = null;
  }
}
