/** A process that dies while it writes a file. */

import { join } from "node:path";
import { program } from "../../src/os/program.ts";

/** Runs `code` until the kernel ends it, at the first byte that it writes to a file. */
export async function dieWriting(folder: string, code: string): Promise<Deno.Signal | null> {
  const main = join(folder, "main.ts");
  await Deno.writeTextFile(main, code);
  const run = new Deno.Command("sh", {
    args: ["-c", 'ulimit -f 0; exec "$0" run -A --no-lock --no-config "$1"', program.runtime, main],
    env: { DENO_NO_UPDATE_CHECK: "1", DENO_DIR: join(folder, "cache") },
    stderr: "null",
  });
  return (await run.output()).signal;
}
