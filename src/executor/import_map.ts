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

import { pathToFileURL } from "node:url";
import { program } from "../os/program.ts";
import { javascriptOf, writeAnew } from "./executor_program.ts";
import type { ExecutorLayout } from "./layout.ts";

/** Replaces what the layout's folder holds of an earlier start. */
export function writeImportMap(layout: ExecutorLayout): void {
  Deno.mkdirSync(layout.modules, { recursive: true, mode: 0o700 });
  for (const [specifier, copy] of layout.copies) {
    const original = program.handlerModules.get(specifier) ?? "";
    writeAnew(copy, javascriptOf(original));
  }
  writeAnew(layout.importMap, textOf(layout));
}

function textOf({ copies, modules }: ExecutorLayout): string {
  const nowhere = { "file:///": "nowhere:///" };
  const found = [...copies].map(([specifier, copy]) => [specifier, pathToFileURL(copy).href]);
  const scopes = {
    "file:///": { "file:///": "file:///" },
    [`${pathToFileURL(modules).href}/`]: nowhere, // handlers call what is there, and nothing that it calls is a way round
  };
  return JSON.stringify({ imports: { ...nowhere, ...Object.fromEntries(found) }, scopes });
}
