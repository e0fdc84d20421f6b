/**
 * How commands lay out what they print: JSON for programs and for people, tables, and labelled
 * values.
 */

import type { Json } from "../../core/types.ts";
import { pretty } from "../../client/shown_payload.ts";
import { visible } from "../../core/visible.ts";
import type { Context } from "../context.ts";

/** Prints the same value either way: on one line with --json, laid out without. */
export function printJson(context: Context, value: object, oneLine: true | undefined): void {
  const text = JSON.stringify(value);
  context.terminal.print(oneLine ? text : pretty(JSON.parse(text) as Json));
}

/** Makes columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [head, ...rows].map((row) => row.map(visible));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd());
}

/** Makes one `label  value` line for each entry, with the values under each other. */
export function fields(entries: readonly (readonly [label: string, value: string])[]): string[] {
  const width = Math.max(0, ...entries.map(([label]) => label.length));
  return entries.map(([label, value]) => `${label.padEnd(width)}  ${visible(value)}`.trimEnd());
}
