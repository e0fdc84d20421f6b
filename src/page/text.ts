/** Text from outside as elements: what the terminal escapes is escaped here, and marked as well. */

import { marked } from "../core/visible.ts";
import { element } from "./dom.ts";

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

/** Says how far a time is from now, in words: "in 4 min", "12 s ago". */
export function whenText(time: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(time) - nowMs) / 1000);
  if (!Number.isFinite(seconds)) return "at an unknown time";
  const span = spanText(Math.abs(seconds));
  return seconds >= 0 ? `in ${span}` : `${span} ago`;
}

export function spanText(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** A status in a word or two that a person says. */
export function statusText(status: string): string {
  return status.replaceAll("_", " ");
}
