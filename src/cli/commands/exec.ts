/** `openexec exec`: sends a request, waits, prints the outcome as the daemon gave it. */

import type { Command } from "commander";
import { OpenExecError } from "../../client/errors.ts";
import { parseRequest } from "../../client/request.ts";
import { type Cli, daemonCommand, type DaemonFlags } from "../command.ts";
import { readInput } from "../terminal/input.ts";
import { printJson } from "../terminal/print.ts";
import { withDaemon } from "../context.ts";

export function execCommand(cli: Cli): Command {
  return daemonCommand(
    "exec",
    "send a request and print the outcome",
    "Prints the execution as the daemon answers it, receipt included: keep it, `openexec verify` reads it. Sending the " +
      "same request again prints the same outcome and runs nothing.",
  )
    .argument("[file]", "the approved request; - or nothing reads standard input")
    .action(async (file: string | undefined, flags: DaemonFlags) => {
      const request = parseRequest(await readInput(cli, file));
      await withDaemon(cli, flags, "agent", async (client) => {
        try {
          printJson(cli, await client.execute(request, { signal: cli.interruption() }), flags.json);
        } catch (error) {
          const execution = error instanceof OpenExecError ? error.execution : null;
          if (execution !== null) printJson(cli, execution, flags.json);
          throw error;
        }
      });
    });
}
