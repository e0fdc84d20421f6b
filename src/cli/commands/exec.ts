/** `openexec exec`: sends a request, waits, prints the outcome as the daemon gave it. */

import type { Command } from "commander";
import { OpenExecError } from "../../client/errors.ts";
import { parseRequest } from "../../client/request.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { readInput } from "../terminal/input.ts";
import { printJson } from "../terminal/print.ts";
import { type Context, withDaemon } from "../context.ts";

export function execCommand(context: Context): Command {
  return daemonCommand(
    "exec",
    "send a request and print the outcome",
    `Prints the execution as the daemon answers it, receipt included: keep it, \`openexec verify\`
    reads it. Sending the same request again prints the same outcome and runs nothing.`,
  )
    .argument("[file]", "the approved request; - or nothing reads standard input")
    .action(async (file: string | undefined, flags: DaemonFlags) => {
      const request = parseRequest(await readInput(context, file));
      await withDaemon(context, flags, "agent", async (client) => {
        try {
          printJson(
            context,
            await client.execute(request, { signal: context.interruption() }),
            flags.json,
          );
        } catch (error) {
          const execution = error instanceof OpenExecError ? error.execution : null;
          if (execution !== null) printJson(context, execution, flags.json);
          throw error;
        }
      });
    });
}
