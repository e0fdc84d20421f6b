/** The signed checkpoint an export ends with: the running daemon's, or one made with the key that the state directory holds. */

import { join } from "node:path";
import { OpenExecUnreachable } from "../client/errors.ts";
import { StartupError } from "../core/startup_error.ts";
import { currentKeyid, loadExecutorKeys } from "../engine/executor_key.ts";
import type { LedgerSnapshot } from "../audit/snapshot.ts";
import { signCheckpoint } from "../log/checkpoint.ts";
import { rootOf } from "../log/tree.ts";
import type { Cli, DaemonFlags } from "./command.ts";
import { withDaemon } from "./surroundings.ts";

/** undefined where no daemon answers. */
export async function newestCheckpoint(cli: Cli, flags: DaemonFlags): Promise<string | undefined> {
  try {
    return await withDaemon(cli, flags, "agent", (client) => client.checkpoint({ retry: false }));
  } catch (error) {
    if (error instanceof OpenExecUnreachable && flags.socket === undefined) return undefined;
    throw error;
  }
}

/** Throws StartupError where the key is not there, as in a backup. */
export function signedCheckpoint({ executorId, log }: LedgerSnapshot, stateDir: string): string {
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
