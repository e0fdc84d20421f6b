/** Text from outside as elements: what the terminal escapes is escaped here, and marked as well. */

import { marked, visibleAscii } from "../core/visible.ts";
import { element } from "./dom.ts";

export { spanText, whenText } from "../core/span.ts";

/** An escaped backslash, which is none of ours, or a run of escapes (the group). */
const ESCAPE = /\\\\|((?:\\u[0-9a-f]{4})+)/g;

/** Returns text in which every suspicious character stands as \uXXXX, and stands out. */
export function shown(text: string): DocumentFragment {
  return highlighted(marked(text));
}

/** Makes the escapes of a text that is marked already stand out. */
export function highlighted(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const { index, 1: escapes } of text.matchAll(ESCAPE)) {
    if (escapes === undefined) continue;
    fragment.append(text.slice(at, index), element("mark", { class: "odd" }, escapes));
    at = index + escapes.length;
  }
  fragment.append(text.slice(at));
  return fragment;
}

/** Words of an agent: a backslash that it wrote is told from those of our escapes. */
export function shownWords(text: string): DocumentFragment {
  return shown(text.replaceAll("\\", "\\\\"));
}

/** The same in ASCII alone, for letters that could pass for others; null where it says no more. */
export function asciiWords(text: string): DocumentFragment | null {
  const escaped = text.replaceAll("\\", "\\\\");
  const ascii = visibleAscii(escaped);
  return ascii === escaped || ascii === marked(escaped) ? null : highlighted(ascii);
}

/** Tells whether a marked text has an escape that is ours. */
export function hasMarks(text: string): boolean {
  return [...text.matchAll(ESCAPE)].some(([, escapes]) => escapes !== undefined);
}

/** A status in a word or two that a person says. */
export function statusText(status: string): string {
  return status.replaceAll("_", " ");
}
