/** `openexec backup`: a consistent copy of the ledger. */

import type { Command } from "commander";
import { resolve } from "node:path";
import { OpenExecError, OpenExecUnreachable } from "../../../client/errors.ts";
import type { JsonObject } from "../../../core/types.ts";
import { daemonCommand, type DaemonFlags, type LocalFlags } from "../../command.ts";
import { type Context, findConfig, withDaemon } from "../../context.ts";
import { printJson } from "../../terminal/print.ts";

export function backupCommand(context: Context): Command {
  return daemonCommand(
    "backup",
    "copy the ledger",
    `A consistent copy, also while the daemon works, which then leaves a receipt of it. Where the
    daemon may not write, or none runs, this command copies from the state directory. The copy holds
    neither vault keys nor signing keys: no payload or result can be read from it.`,
  )
    .argument("<dir>", "a directory of the daemon's host, empty or not there yet")
    .option("--state <dir>", "the state directory, where no daemon runs")
    .action(async (directory: string, flags: DaemonFlags & LocalFlags) => {
      const { terminal } = context;
      const target = resolve(context.cwd, directory);
      terminal.progress("copying the ledger");
      const copied = await copyLedger(context, target, flags).finally(() =>
        terminal.progress(null)
      );
      if (flags.json) printJson(context, copied, true);
      else terminal.print(`copied ${copied["log_size"]} log entries to ${target}`);
    });
}

/** Asks the daemon to copy, unless `--state` names a directory. */
async function copyLedger(
  context: Context,
  target: string,
  flags: DaemonFlags & LocalFlags,
): Promise<JsonObject> {
  if (flags.state !== undefined) return await copyOffline(context, target, flags);
  try {
    return await withDaemon(context, flags, "admin", (client) => client.operator.backup(target));
  } catch (error) {
    if (!isLeftToUs(error) || flags.socket !== undefined) throw error;
    const why = error instanceof OpenExecUnreachable
      ? "no daemon answers"
      : "the daemon may not write there";
    context.terminal.note(`${why}: copying from the state directory`);
    return await copyOffline(context, target, flags);
  }
}

/**
 * Whether the daemon copied nothing. It writes only where its configuration lets it, which seldom
 * is where backups go. The receipt it left stands.
 */
function isLeftToUs(error: unknown): boolean {
  if (error instanceof OpenExecUnreachable) return error.effect === "none";
  return error instanceof OpenExecError && error.code === "request_malformed";
}

async function copyOffline(
  context: Context,
  target: string,
  flags: LocalFlags,
): Promise<JsonObject> {
  const { LedgerSnapshot } = await import("../../../audit/snapshot.ts"); // late: native code
  const snapshot = await LedgerSnapshot.open(findConfig(context, flags).config.stateDir);
  try {
    await snapshot.backup(target);
    return { directory: target, log_size: snapshot.log.size() };
  } finally {
    await snapshot.close();
  }
}
