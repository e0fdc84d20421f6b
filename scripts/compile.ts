/**
 * `deno compile` of the command line, into dist/openexec-client: for approvers' machines, where no
 * daemon runs.
 *
 * It needs `denort`, which no package of the lockfile holds: put its path in DENORT_BIN. Without it
 * nothing is made.
 *
 * It is not the single file that `npm run build` makes, and cannot be: a compiled program carries
 * one fixed set of permissions and no runtime to start other programs with, while every executor is
 * a Deno process with the permissions of its own action. So it gets the permissions of a client,
 * and the commands that need more refuse to work in it.
 */

import { join } from "node:path";
import { CLIENT_PERMISSIONS } from "../src/os/deno_flags.ts";
import { program } from "../src/os/program.ts";
import { bundle } from "./build/bundle.ts";

const NO_DENORT =
  `DENORT_BIN is not set: deno compile needs the path of a denort of Deno ${Deno.version.deno}.
npm run build makes dist/openexec without one.
`;

async function compile(root: string, denort: string): Promise<number> {
  const workFolder = await Deno.makeTempDir({ prefix: "openexec-compile-" });
  try {
    for (const [name, bytes] of await bundle(root, "single_file")) {
      await Deno.writeFile(join(workFolder, name), bytes);
    }
    const settings = ["--no-check", "--no-config", "--no-prompt", "--no-remote", "--no-npm"];
    const output = `--output=${join(root, "dist/openexec-client")}`;
    const { code } = await new Deno.Command(program.runtime, {
      args: ["compile", ...settings, ...CLIENT_PERMISSIONS, output, "main.js"],
      cwd: workFolder,
      env: { DENORT_BIN: denort },
    }).spawn().status;
    return code;
  } finally {
    await Deno.remove(workFolder, { recursive: true });
  }
}

const denort = Deno.env.get("DENORT_BIN");
if (!denort) await Deno.stderr.write(new TextEncoder().encode(NO_DENORT));
Deno.exit(denort ? await compile(program.root, denort) : 2);
