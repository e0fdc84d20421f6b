/**
 * What a handler may import, as an import map (HTML Standard, section 8.1.5): `openexec` and `valibot`, whose text is in the
 * map itself, and the runtime's `node:` modules.
 *
 * Invariant: no file. The runtime would read a local module that is imported by a literal specifier whatever the worker's
 * permissions, so `file:` leads nowhere, except from the executor's own files.
 */

import { stripTypeScriptTypes } from "node:module";
import { base64Encode, utf8Encode } from "../core/encoding.ts";
import { program } from "../os/program.ts";

/** The text of the map for this program. */
export async function importMap(): Promise<string> {
  const imports: Record<string, string> = { "file:///": "nowhere:///" };
  for (const [specifier, file] of program.handlerModules) imports[specifier] = await dataUrlOf(file);
  return JSON.stringify({ imports, scopes: { "file:///": { "file:///": "file:///" } } });
}

async function dataUrlOf(file: string): Promise<string> {
  const text = await Deno.readTextFile(file);
  const script = file.endsWith(".ts") ? stripTypeScriptTypes(text) : text;
  return `data:text/javascript;base64,${base64Encode(utf8Encode(script))}`;
}
