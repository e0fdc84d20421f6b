/** `openexec backup` and `restore`: a consistent copy of the ledger, and a copy brought back behind a fence. */

import type { Command } from "commander";
import { resolve } from "node:path";
import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import type { JsonObject } from "../../core/types.ts";
import {
  type Cli,
  daemonCommand,
  type DaemonFlags,
  localCommand,
  type LocalFlags,
} from "../command.ts";
import { fields, printJson } from "../terminal/print.ts";
import { findConfig, withDaemon } from "../context.ts";

export function backupCommand(cli: Cli): Command {
  return daemonCommand(
    "backup",
    "copy the ledger",
    "A consistent copy, also while the daemon works, which then leaves a receipt of it. Where the daemon may not write, or " +
      "none runs, this command copies from the state directory. The copy holds neither vault keys nor signing keys: no " +
      "payload or result can be read from it.",
  )
    .argument("<dir>", "a directory of the daemon's host, empty or not there yet")
    .option("--state <dir>", "the state directory, where no daemon runs")
    .action(async (directory: string, flags: DaemonFlags & LocalFlags) => {
      const target = resolve(cli.cwd, directory);
      cli.terminal.progress("copying the ledger");
      const copied = await copyLedger(cli, target, flags)
        .finally(() => cli.terminal.progress(null));
      if (flags.json) printJson(cli, copied, true);
      else cli.terminal.print(`copied ${copied["log_size"]} log entries to ${target}`);
    });
}

/** `--state` asks for that directory, and no daemon. */
async function copyLedger(
  cli: Cli,
  target: string,
  flags: DaemonFlags & LocalFlags,
): Promise<JsonObject> {
  if (flags.state !== undefined) return await copyOffline(cli, target, flags);
  try {
    return await withDaemon(cli, flags, "admin", (client) => client.operator.backup(target));
  } catch (error) {
    if (!isLeftToUs(error) || flags.socket !== undefined) throw error;
    const why = error instanceof OpenExecUnreachable
      ? "no daemon answers"
      : "the daemon may not write there";
    cli.terminal.note(`${why}: copying from the state directory`);
    return await copyOffline(cli, target, flags);
  }
}

/** A daemon writes where its configuration lets it, which seldom is where backups go; the receipt it left stands. */
function isLeftToUs(error: unknown): boolean {
  if (error instanceof OpenExecUnreachable) return error.effect === "none";
  return error instanceof OpenExecError && error.code === "request_malformed";
}

async function copyOffline(cli: Cli, target: string, flags: LocalFlags): Promise<JsonObject> {
  const { LedgerSnapshot } = await import("../../audit/snapshot.ts"); // not before: it loads native code
  const snapshot = await LedgerSnapshot.open(findConfig(cli, flags).config.stateDir);
  try {
    await snapshot.backup(target);
    return { directory: target, log_size: snapshot.log.size() };
  } finally {
    await snapshot.close();
  }
}

export function restoreCommand(cli: Cli): Command {
  return localCommand(
    "restore",
    "bring back a copy of the ledger",
    "The daemon must be stopped. What was consumed after the copy was made is unknown to it, so every approval issued " +
      "before the restore is refused from then on; what was in flight then becomes outcome_unknown. The ledger that was " +
      "there is kept beside it. Where an `anchor` is configured, set it aside first: it refuses the older ledger.",
  )
    .argument("<dir>", "what `openexec backup` made")
    .action(async (directory: string, flags: LocalFlags) => {
      const { restoreLedger } = await import("../../ledger/restore.ts"); // not before: it loads native code
      const restored = await restoreLedger({
        backupDir: resolve(cli.cwd, directory),
        stateDir: findConfig(cli, flags).config.stateDir,
        clock: cli.clock,
      });
      const { executorId, mode, executions, logSize, fenceSeconds, replaced } = restored;
      const fence = new Date(fenceSeconds * 1000).toISOString();
      const shown = {
        executor_id: executorId,
        mode,
        executions,
        log_size: logSize,
        fence,
        replaced,
      };
      if (flags.json) return printJson(cli, shown, true);
      const lines = fields([
        ["restored", `${executions} executions, ${logSize} log entries`],
        ["executor", `${executorId}, ${mode} mode`],
        ["fence", `approvals issued before ${fence} are refused`],
        ["replaced", replaced ?? "(there was no ledger)"],
      ]);
      for (const line of lines) cli.terminal.print(line);
    });
}
