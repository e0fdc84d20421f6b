/**
 * Builds the SDK for Node and bundlers: JavaScript and declarations of `openexec` and
 * `openexec/client`, from their sources as they are. Option: --out FOLDER (default dist/client).
 * Deno uses the sources themselves.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUTPUT = "dist/client";

/** Throws an Error with the compiler's diagnostics. */
export async function buildClient(output: string): Promise<void> {
  const compiler = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", "--no-config", "--node-modules-dir=manual"],
      join(ROOT, "node_modules/typescript/bin/tsc"),
      ...[
        "--project",
        join(ROOT, "tsconfig.json"),
        "--rootDir",
        join(ROOT, "src"),
        "--outDir",
        output,
      ],
    ],
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await compiler.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  if (!success) throw new Error(`the SDK does not compile:\n${said}`);
}

if (import.meta.main) {
  const named = Deno.args.indexOf("--out");
  const output = named < 0 ? join(ROOT, OUTPUT) : Deno.args[named + 1] ?? join(ROOT, OUTPUT);
  await Deno.remove(output, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await buildClient(output);
}
