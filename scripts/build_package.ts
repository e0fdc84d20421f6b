/**
 * Makes dist/program, what `npm pack` takes along instead of the sources: npm runs it as `prepack`.
 * The packages it imports are those that npm installs with it.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { program } from "../src/os/program.ts";
import { bundle } from "./build/bundle.ts";

const folder = join(program.root, "dist/program");
// An earlier build may have had other chunks.
if (existsSync(folder)) await Deno.remove(folder, { recursive: true });
await Deno.mkdir(folder, { recursive: true });
for (const [name, bytes] of await bundle(program.root, "npm_package")) {
  await Deno.writeFile(join(folder, name), bytes);
}
