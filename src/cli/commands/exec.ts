/** `openexec exec`: sends a request, waits, prints the outcome as the daemon gave it. */

import type { Command } from "commander";
import { OpenExecError } from "../../client/errors.ts";
import type { Execution } from "../../client/execution.ts";
import { parseRequest } from "../../client/request.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { readInput } from "../terminal/input.ts";
import { printJson } from "../terminal/print.ts";
import { type Context, RETRIED, withDaemon } from "../context.ts";

export function execCommand(context: Context): Command {
  return daemonCommand(
    "exec",
    "send a request and print the outcome",
    `Prints the execution as the daemon answers it, receipt included: keep it, \`openexec verify\`
    reads it. A terminal is shown the outcome alone, unless with --json. Sending the same request
    again prints the same outcome and runs nothing.`,
  )
    .argument("[file]", "the approved request; - or nothing reads standard input")
    .action(async (file: string | undefined, flags: DaemonFlags) => {
      const request = parseRequest(await readInput(context, file));
      await withDaemon(context, flags, "agent", async (client) => {
        try {
          const execution = await client.execute(request, { signal: context.interruption() });
          printExecution(context, execution, flags);
        } catch (error) {
          const execution = error instanceof OpenExecError ? error.execution : null;
          if (execution !== null) printExecution(context, execution, flags);
          throw error;
        }
      }, RETRIED);
    });
}

/** Leaves the base64 of receipt and salts to files and programs: nobody reads it on a screen. */
function printExecution(context: Context, execution: Execution, { json }: DaemonFlags): void {
  if (json || !context.terminal.outputIsTerminal) return printJson(context, execution, json);
  const { attestation: _attestation, salts: _salts, receipt: _receipt, ...shown } = execution;
  printJson(context, shown, json);
  context.terminal.note(`its receipt: openexec show ${execution.id} > receipt.json`);
}
