/**
 * The program that executor processes run, as JavaScript.
 *
 * In a checkout it is TypeScript. The runtime would strip its types at every start, and then try for 150 ms to keep the
 * result, because executors are given nowhere to write. So the daemon strips them once, when it starts, into a copy of the
 * files beside the import map. They hold no syntax that is more than types: no enums, no parameter properties.
 */

import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { program } from "../os/program.ts";

/** A relative import, which is of one of our own files. */
const IMPORT = /\bfrom "(\.[^"]+)\.(ts|json)"/g;

/** The entry to start executors with. `directory` is the caller's alone; what it holds of an earlier start is replaced. */
export function executorProgram(directory: string): string {
  if (!program.executor.endsWith(".ts")) return program.executor;
  const folder = join(directory, "program");
  const written = new Set<string>();
  const copy = (file: string): string => {
    const target = join(folder, relative(program.root, file)).replace(/\.ts$/, ".js");
    if (written.has(file)) return target;
    written.add(file);
    const text = Deno.readTextFileSync(file);
    const script = file.endsWith(".ts") ? stripTypeScriptTypes(text) : text;
    for (const [, path, type] of script.matchAll(IMPORT)) copy(join(dirname(file), `${path}.${type}`));
    Deno.mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    Deno.writeTextFileSync(target, script.replaceAll(/(\bfrom "\.[^"]+)\.ts"/g, '$1.js"'), { mode: 0o600 });
    return target;
  };
  return copy(program.executor);
}
