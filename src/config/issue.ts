/** What valibot found wrong, in the words of config/fields.ts. */

import type * as v from "valibot";
import { type Path, Unfit } from "./toml.ts";

export function issuePath(issue: v.BaseIssue<unknown>): Path {
  return (issue.path ?? []).map(({ key }) => typeof key === "number" ? key : String(key));
}

/** `expected X, got Y`; for unknown and missing keys, that they are. */
export function issueText(issue: v.BaseIssue<unknown>): string {
  const ownWords = issue.type === "never" || issue.type === "object_with_rest";
  return ownWords ? issue.message : `expected ${issue.message}, got ${kindOf(issue.input)}`;
}

const SHOWN_LENGTH_MAX = 60;

function kindOf(value: unknown): string {
  if (value instanceof Unfit) return `a ${value.type}`;
  if (value instanceof Date) return "a date and time";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a table";
  const shown = JSON.stringify(value);
  return shown.length > SHOWN_LENGTH_MAX ? `${shown.slice(0, SHOWN_LENGTH_MAX)}...` : shown;
}
