/** The program: hands its arguments to the command line, and ends with its exit code. Loads what these ask for. */

import { plainServeFlags } from "./cli/serve_flags.ts";

const flags = plainServeFlags(Deno.args);
Deno.exitCode = flags === undefined
  ? await (await import("./cli/commands.ts")).runCli(Deno.args)
  : await (await import("./cli/stages.ts")).runServe(flags);
