/**
 * Our own source files as JavaScript, for those who cannot take TypeScript: executors, which would
 * strip the types at every start, and browsers.
 */

import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

/** An import of another file beside: its specifier is the first group. */
export const FILE_IMPORT = /\bfrom "(\.[^"]+\.(?:ts|js|json))"/g;

/**
 * `strip` blanks types out: each line stays where it was, and syntax that is more than types throws
 * (an enum, a parameter property). `transform` rewrites that syntax.
 */
export type Mode = "strip" | "transform";

/**
 * Returns `entry` and all files that it imports by a relative path, directly or not: absolute path
 * to JavaScript text.
 */
export function modulesOf(entry: string, mode: Mode = "strip"): Map<string, string> {
  const modules = new Map<string, string>();
  const add = (file: string): void => {
    if (modules.has(file)) return;
    const text = javascriptOf(file, mode);
    modules.set(file, text);
    for (const [, path = ""] of text.matchAll(FILE_IMPORT)) add(join(dirname(file), path));
  };
  add(entry);
  return modules;
}

/** Returns the text of `file`, without types where it has any. */
export function javascriptOf(file: string, mode: Mode = "strip"): string {
  const text = Deno.readTextFileSync(file);
  return file.endsWith(".ts") ? stripTypeScriptTypes(text, { mode }) : text;
}
