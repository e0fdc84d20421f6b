/** Text from outside as elements: what the terminal escapes is escaped here, and marked as well. */

import { marked } from "../core/visible.ts";
import { element } from "./dom.ts";

export { spanText, whenText } from "../core/span.ts";

const ESCAPE = /(\\u[0-9a-f]{4})+/g;

/** Returns text in which every suspicious character stands as \uXXXX, and stands out. */
export function shown(text: string): DocumentFragment {
  return highlighted(marked(text));
}

/** Makes the escapes of a text that is marked already stand out. */
export function highlighted(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    fragment.append(text.slice(at, match.index));
    fragment.append(element("mark", { class: "odd" }, match[0]));
    at = match.index + match[0].length;
  }
  fragment.append(text.slice(at));
  return fragment;
}

/** A status in a word or two that a person says. */
export function statusText(status: string): string {
  return status.replaceAll("_", " ");
}
