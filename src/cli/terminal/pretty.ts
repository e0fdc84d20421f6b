/** JSON laid out for reading, every string made visible: it parses to the very value it shows. */

import type { Json } from "../../core/types.ts";
import { iJsonText } from "../../client/json.ts";
import { visible } from "./visible.ts";

/** One member or item a line, as JSON.stringify(value, null, 2) lays it out. */
export function pretty(value: Json, indent = ""): string {
  const inner = `${indent}  `;
  if (isList(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((item) => inner + pretty(item, inner)).join(",\n")}\n${indent}]`;
  }
  if (typeof value !== "object" || value === null) return visible(iJsonText(value));
  const members = Object.entries(value);
  if (members.length === 0) return "{}";
  const lines = members.map(([name, member]) =>
    `${inner}${visible(JSON.stringify(name))}: ${pretty(member, inner)}`
  );
  return `{\n${lines.join(",\n")}\n${indent}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
