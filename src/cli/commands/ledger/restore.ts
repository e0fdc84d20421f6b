/** `openexec restore`: a copy of the ledger brought back, behind a fence. */

import type { Command } from "commander";
import { resolve } from "node:path";
import { StartupError } from "../../../core/startup_error.ts";
import { isListenedOn } from "../../../os/sockets/reach.ts";
import { localCommand, type LocalFlags } from "../../command.ts";
import { type Context, findConfig } from "../../context.ts";
import { fields, printJson } from "../../terminal/print.ts";

export function restoreCommand(context: Context): Command {
  return localCommand(
    "restore",
    "bring back a copy of the ledger",
    `The daemon must be stopped. What was consumed after the copy was made is unknown to it, so
    every approval issued before the restore is refused from then on. What was in flight then
    becomes outcome_unknown. The ledger that was there is kept beside it. Where an \`anchor\` is
    configured, set it aside first: it refuses the older ledger.`,
  )
    .argument("<dir>", "what `openexec backup` made")
    .action((directory: string, flags: LocalFlags) => restore(context, directory, flags));
}

async function restore(context: Context, directory: string, flags: LocalFlags): Promise<void> {
  const { config } = findConfig(context, flags);
  const activating = config.sockets.find(({ path }) => isListenedOn(path));
  if (activating !== undefined) {
    throw new StartupError(
      `${activating.path} takes connections, which would start the daemon in the middle of it`,
      "stop the sockets and the daemon: systemctl stop 'openexec*.socket' openexec.service",
    );
  }
  const { restoreLedger } = await import("../../../ledger/restore.ts"); // late: native code
  const { executorId, mode, executions, logSize, fenceSeconds, replaced } = await restoreLedger({
    backupDir: resolve(context.cwd, directory),
    stateDir: config.stateDir,
    clock: context.clock,
  });
  const fence = new Date(fenceSeconds * 1000).toISOString();
  if (flags.json) {
    const shown = { executor_id: executorId, mode, executions, log_size: logSize, fence, replaced };
    return printJson(context, shown, true);
  }
  const lines = fields([
    ["restored", `${executions} executions, ${logSize} log entries`],
    ["executor", `${executorId}, ${mode} mode`],
    ["fence", `approvals issued before ${fence} are refused`],
    ["replaced", replaced ?? "(there was no ledger)"],
  ]);
  for (const line of lines) context.terminal.print(line);
}
