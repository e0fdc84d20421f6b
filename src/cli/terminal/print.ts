/** How commands print: JSON for programs, laid out for people, and tables. */

import type { Json } from "../../core/types.ts";
import type { Cli } from "../command.ts";
import { pretty } from "./pretty.ts";
import { visible } from "./visible.ts";

/** One line with --json, laid out otherwise; the same value either way. */
export function printJson(cli: Cli, value: object, oneLine: true | undefined): void {
  const text = JSON.stringify(value);
  cli.terminal.print(oneLine ? text : pretty(JSON.parse(text) as Json));
}

/** Columns as wide as their widest cell; the last one is left as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [head, ...rows].map((row) => row.map(visible));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd());
}

/** `label: value` lines, values under each other. */
export function fields(entries: readonly (readonly [label: string, value: string])[]): string[] {
  const width = Math.max(0, ...entries.map(([label]) => label.length));
  return entries.map(([label, value]) => `${label.padEnd(width)}  ${visible(value)}`.trimEnd());
}
