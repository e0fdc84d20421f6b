/** `openexec export`: the log as JSON lines, whole and signed, for whoever audits elsewhere. */

import type { Command } from "commander";
import { join } from "node:path";
import { exportLog } from "../../audit/export.ts";
import type { LedgerSnapshot } from "../../audit/snapshot.ts";
import { OpenExecUnreachable } from "../../client/errors.ts";
import { utf8Encode } from "../../core/bytes.ts";
import { StartupError } from "../../core/startup_error.ts";
import { currentKeyid, loadExecutorKeys } from "../../engine/keys.ts";
import { signCheckpoint } from "../../log/checkpoint.ts";
import { rootOf } from "../../log/tree.ts";
import { readCheckpoints } from "../verify/checkpoint_files.ts";
import { type Cli, type DaemonFlags, localCommand, type LocalFlags } from "../command.ts";
import { checkpointSize } from "../verify/missing_proofs.ts";
import { startProgress } from "../terminal/progress.ts";
import { findConfig, withDaemon } from "../context.ts";

interface ExportFlags extends LocalFlags, DaemonFlags {
  readonly checkpoint?: string;
}

export function exportCommand(cli: Cli): Command {
  return localCommand(
    "export",
    "print the log as JSON lines",
    "One header, one line for each receipt, one signed checkpoint of exactly these; `openexec audit` reads it. It holds no " +
      "payload and no result. The checkpoint is the running daemon's, else made with the executor's key in the state " +
      "directory.",
  )
    .option(
      "--socket <path>",
      "the daemon's socket (default: $OPENEXEC_SOCKET, else of the configuration)",
    )
    .option(
      "--checkpoint <file>",
      "end with this checkpoint (of several in the file the last), as the log was then: for a copy without keys",
    )
    .action(async (flags: ExportFlags) => {
      const { stateDir } = findConfig(cli, flags).config;
      // before the snapshot is taken, which then holds at least what it covers
      const kept = flags.checkpoint === undefined
        ? await newestCheckpoint(cli, flags)
        : readCheckpoints(cli, flags.checkpoint).at(-1);
      const { LedgerSnapshot } = await import("../../audit/snapshot.ts"); // not before: it loads native code
      const snapshot = await LedgerSnapshot.open(stateDir);
      try {
        const checkpoint = kept ?? signedCheckpoint(snapshot, stateDir);
        print(cli, exportLog(snapshot, checkpoint), checkpointSize(checkpoint) ?? 0);
      } finally {
        await snapshot.close();
      }
    });
}

/** The running daemon's; undefined where none answers. */
async function newestCheckpoint(cli: Cli, flags: DaemonFlags): Promise<string | undefined> {
  try {
    return await withDaemon(cli, flags, "agent", (client) => client.checkpoint({ retry: false }));
  } catch (error) {
    if (error instanceof OpenExecUnreachable && flags.socket === undefined) return undefined;
    throw error;
  }
}

/** Throws StartupError where the key is not there, as in a backup. */
function signedCheckpoint({ executorId, log }: LedgerSnapshot, stateDir: string): string {
  if (!hasKeys(stateDir)) {
    throw new StartupError(
      "Nothing here can sign the checkpoint that ends an export",
      "Start the daemon, or give a checkpoint that was kept with --checkpoint",
    );
  }
  const { current } = loadExecutorKeys(stateDir, null, currentKeyid(log));
  return signCheckpoint(executorId, log.size(), rootOf(log, log.size()), current);
}

function hasKeys(stateDir: string): boolean {
  try {
    return Deno.statSync(join(stateDir, "keys")).isDirectory;
  } catch {
    return false;
  }
}

const CHUNK_CHARACTERS = 65_536;

function print(cli: Cli, lines: Iterable<string>, size: number): void {
  const progress = startProgress(cli, "entries", size);
  let chunk = "";
  let printed = 0;
  for (const line of lines) {
    chunk += line;
    printed++;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    cli.terminal.write(utf8Encode(chunk));
    progress.at(printed);
    chunk = "";
  }
  cli.terminal.write(utf8Encode(chunk));
  progress.end();
}
