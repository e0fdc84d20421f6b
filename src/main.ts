/** The program: hands its arguments to the command line, and ends with its exit code. */

import { runCli } from "./cli/commands.ts";

Deno.exitCode = await runCli(Deno.args);
