/** `openexec export`: the log as JSON lines, whole and signed, for an audit elsewhere. */

import type { Command } from "commander";
import { join } from "node:path";
import { exportLog } from "../../../audit/export.ts";
import type { LedgerSnapshot } from "../../../audit/snapshot.ts";
import { OpenExecUnreachable } from "../../../client/errors.ts";
import { utf8Encode } from "../../../core/bytes.ts";
import { StartupError } from "../../../core/startup_error.ts";
import { currentKeyid, loadExecutorKeys } from "../../../engine/keys.ts";
import { signCheckpoint, unverifiedHead } from "../../../log/checkpoint.ts";
import { rootOf } from "../../../log/tree.ts";
import { type DaemonFlags, localCommand, type LocalFlags, SOCKET_FLAG } from "../../command.ts";
import { type Context, exists, findConfig, withDaemon } from "../../context.ts";
import { startProgress } from "../../terminal/progress.ts";
import { readCheckpoints } from "../../verify/checkpoints.ts";

interface ExportFlags extends LocalFlags, DaemonFlags {
  readonly checkpoint?: string;
}

export function exportCommand(context: Context): Command {
  return localCommand(
    "export",
    "print the log as JSON lines",
    `One header, one line for each receipt, one signed checkpoint of exactly these; \`openexec
    audit\` reads it. It holds no payload and no result. The checkpoint is the running daemon's,
    else made with the executor's key in the state directory.`,
  )
    .option(...SOCKET_FLAG)
    .option(
      "--checkpoint <file>",
      "end with this checkpoint (of several in the file the last), as the log was then: " +
        "for a copy without keys",
    )
    .action(async (flags: ExportFlags) => {
      const { stateDir } = findConfig(context, flags).config;
      // before the snapshot is taken, which then holds at least what it covers
      const kept = flags.checkpoint === undefined
        ? await newestCheckpoint(context, flags)
        : readCheckpoints(context, flags.checkpoint).at(-1);
      // late: native code
      const { LedgerSnapshot } = await import("../../../audit/snapshot.ts");
      const snapshot = await LedgerSnapshot.open(stateDir);
      try {
        const checkpoint = kept ?? await signedCheckpoint(snapshot, stateDir);
        print(context, exportLog(snapshot, checkpoint), unverifiedHead(checkpoint)?.size ?? 0);
      } finally {
        await snapshot.close();
      }
    });
}

/** Asks the daemon for its newest checkpoint. Returns undefined where none answers. */
async function newestCheckpoint(context: Context, flags: DaemonFlags): Promise<string | undefined> {
  try {
    return await withDaemon(
      context,
      flags,
      "agent",
      (client) => client.checkpoint(),
    );
  } catch (error) {
    if (error instanceof OpenExecUnreachable && flags.socket === undefined) return undefined;
    throw error;
  }
}

/** Throws StartupError where the key is not there, as in a backup. */
async function signedCheckpoint(
  { executorId, log }: LedgerSnapshot,
  stateDir: string,
): Promise<string> {
  if (!exists(join(stateDir, "keys"))) {
    throw new StartupError(
      "Nothing here can sign the checkpoint that ends an export",
      "Start the daemon, or give a checkpoint that was kept with --checkpoint",
    );
  }
  const { current } = await loadExecutorKeys(stateDir, null, currentKeyid(log));
  return signCheckpoint(executorId, log.size(), rootOf(log, log.size()), current);
}

const CHUNK_CHARACTERS = 65_536;

function print(context: Context, lines: Iterable<string>, size: number): void {
  const progress = startProgress(context, size);
  let chunk = "";
  let printed = 0;
  for (const line of lines) {
    chunk += line;
    printed++;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    context.terminal.write(utf8Encode(chunk));
    progress.at(printed);
    chunk = "";
  }
  context.terminal.write(utf8Encode(chunk));
  progress.end();
}
