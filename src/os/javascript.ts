/**
 * Our own source files as JavaScript, for those who cannot take TypeScript: executors, which would
 * strip the types at every start, and browsers.
 *
 * The files hold no syntax that is more than types: no enums, no parameter properties that a
 * stripper could not blank out.
 */

import { stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

/** An import of another file beside: its specifier is the first group. */
const FILE_IMPORT = /\bfrom "(\.[^"]+\.(?:ts|js|json))"/g;

/**
 * Returns `entry` and all files that it imports by a relative path, directly or not: absolute path
 * to JavaScript text, each line where it was, each file behind those it imports. No file may import
 * itself by a circle. Throws for syntax that is more than types.
 */
export function modulesOf(entry: string): Map<string, string> {
  const modules = new Map<string, string>();
  const add = (file: string): void => {
    if (modules.has(file)) return;
    const text = javascriptOf(file);
    for (const [, path = ""] of text.matchAll(FILE_IMPORT)) add(join(dirname(file), path));
    modules.set(file, text);
  };
  add(entry);
  return modules;
}

/** Returns the text of `file`, without types where it has any. Throws as modulesOf does. */
export function javascriptOf(file: string): string {
  const text = Deno.readTextFileSync(file);
  return file.endsWith(".ts") ? stripTypeScriptTypes(text) : text;
}
