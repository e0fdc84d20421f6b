/**
 * What a handler may import, as an import map (HTML Standard, section 8.1.5): `openexec` and `valibot`, whose text is in the
 * map itself, and the runtime's `node:` modules.
 *
 * Invariant: no file. The runtime would read a local module that is imported by a literal specifier whatever the worker's
 * permissions, so `file:` leads nowhere, except from the executor's own files.
 */

import { base64Encode, utf8Encode } from "../core/encoding.ts";
import { program } from "../os/program.ts";
import { javascriptOf } from "./executor_program.ts";

/** The text of the map for this program. */
export function importMap(): string {
  const imports: Record<string, string> = { "file:///": "nowhere:///" };
  for (const [specifier, file] of program.handlerModules) imports[specifier] = dataUrlOf(file);
  return JSON.stringify({ imports, scopes: { "file:///": { "file:///": "file:///" } } });
}

function dataUrlOf(file: string): string {
  return `data:text/javascript;base64,${base64Encode(utf8Encode(javascriptOf(file)))}`;
}
