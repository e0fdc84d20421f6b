/**
 * What a handler may import, as an import map (HTML Standard, section 8.1.5): `openexec` and `valibot`, copied beside the
 * map, and the runtime's `node:` modules.
 *
 * The copies are files because their names are short: the runtime parses the URL of a module again wherever it is imported,
 * and a data: URL of valibot takes it longer than the module. The process has to be allowed to read them, its workers not.
 *
 * Invariant: no other file. The runtime would read a local module that is imported by a literal specifier whatever the
 * worker's permissions, so `file:` leads nowhere, except from the executor's own program.
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { program } from "../os/program.ts";
import { javascriptOf, writeAnew } from "./executor_program.ts";
import type { Scripts } from "./scripts.ts";

export interface ImportMap {
  /** The file of the map. */
  readonly file: string;
  /** The files that it leads to. */
  readonly modules: readonly string[];
}

/** Writes the map for this program. `directory` is the caller's alone; what it holds of an earlier start is replaced. */
export async function writeImportMap(directory: string, scripts: Scripts): Promise<ImportMap> {
  const file = join(directory, "import_map.json");
  const folder = join(directory, "modules");
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const copies = new Map<string, string>();
  for (const [specifier, original] of program.handlerModules) {
    const copy = join(folder, `${specifier}.mjs`);
    writeAnew(copy, await javascriptOf(original, scripts));
    copies.set(specifier, copy);
  }
  writeAnew(file, textOf(copies, folder));
  return { file, modules: [...copies.values()] };
}

function textOf(copies: ReadonlyMap<string, string>, folder: string): string {
  const nowhere = { "file:///": "nowhere:///" };
  const found = [...copies].map(([specifier, copy]) => [specifier, pathToFileURL(copy).href]);
  const scopes = {
    "file:///": { "file:///": "file:///" },
    [`${pathToFileURL(folder).href}/`]: nowhere, // handlers call what is there, and nothing that it calls is a way round
  };
  return JSON.stringify({ imports: { ...nowhere, ...Object.fromEntries(found) }, scopes });
}
