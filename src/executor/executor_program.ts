/**
 * The program that executor processes run, as JavaScript.
 *
 * In a checkout it is TypeScript. The runtime would strip its types at every start, and then try for 150 ms to keep the
 * result, because executors are given nowhere to write. So the daemon makes a copy of the files without them, beside the
 * import map. They hold no syntax that is more than types: no enums, no parameter properties.
 */

import { dirname, join } from "node:path";
import { program } from "../os/program.ts";
import { copyOf, type ExecutorLayout } from "./layout.ts";
import { scriptOf } from "./scripts.ts";

/** Replaces what the layout's folder holds of an earlier start. */
export function writeProgram({ program: folder }: ExecutorLayout): void {
  if (folder === null) return;
  const copied = new Set<string>();
  const copy = (file: string): void => {
    if (copied.has(file)) return;
    copied.add(file);
    const script = javascriptOf(file);
    for (const [, path] of script.matchAll(IMPORT)) copy(join(dirname(file), path ?? ""));
    const target = copyOf(file, folder);
    Deno.mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    writeAnew(target, script.replaceAll(IMPORT, (from) => from.replace(/\.ts"$/, '.js"')));
  };
  copy(program.executor);
  copy(program.worker);
}

/** A relative import is of one of our own files. */
const IMPORT = /\bfrom "(\.[^"]+\.(?:ts|json))"/g;

/** Leaves a file alone that holds that text already: writing over one waits for the disk. */
export function writeAnew(file: string, text: string): void {
  if (textOf(file) !== text) Deno.writeTextFileSync(file, text, { mode: 0o600 });
}

function textOf(file: string): string | null {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The text of a file of ours, without types where it has any. */
export function javascriptOf(file: string): string {
  const text = Deno.readTextFileSync(file);
  return file.endsWith(".ts") ? scriptOf({ text, language: "typescript" }).text : text;
}
