/**
 * Writes the documents that are generated from the sources. With --check it writes nothing and ends
 * with 1 when one of them differs from what it would write.
 */

import { fileURLToPath } from "node:url";
import { utf8Encode } from "../src/core/bytes.ts";
import { COMPLETIONS } from "./completion_scripts.ts";
import { cliReference, manualPage } from "./cli_reference.ts";
import { configReference, configSchema } from "./config_reference.ts";
import { errorReference } from "./error_reference.ts";
import { withRooms } from "./room_reference.ts";

/** By path in the repository. */
export const DOCUMENTS: ReadonlyMap<string, () => string> = new Map([
  ["docs/cli.md", cliReference],
  ["docs/openexec.1", manualPage],
  ["docs/config.md", configReference],
  ["docs/config.schema.json", () => `${JSON.stringify(configSchema(), null, 2)}\n`],
  ["docs/errors.md", errorReference],
  ["src/README.md", () => withRooms(textOf("src/README.md") ?? "")],
  ...[...COMPLETIONS].map(([name, render]) => [`docs/completions/${name}`, render] as const),
]);

/** The documents whose files differ from their sources. */
export function drifted(): string[] {
  return [...DOCUMENTS].filter(([path, render]) => textOf(path) !== render()).map(([path]) => path);
}

function place(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(place(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const stale = drifted();
  const check = Deno.args.includes("--check");
  for (const path of stale) {
    Deno.stdout.writeSync(utf8Encode(`${check ? "out of date" : "written"}: ${path}\n`));
    if (!check) Deno.writeTextFileSync(place(path), DOCUMENTS.get(path)?.() ?? "");
  }
  if (check && stale.length > 0) Deno.exit(1);
}
