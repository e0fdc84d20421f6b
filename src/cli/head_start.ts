/**
 * What a start waits for longest, begun before anything else: while the first executor boots, the rest of the daemon's program
 * is loaded and its ledger is opened.
 */

import type { Config } from "../config/config.ts";
import { readVariable } from "../config/environment.ts";
import type { Clock } from "../core/clock.ts";
import type { ExecutorPool } from "../executor/executor.ts";
import { beginPool } from "../executor/supervisor.ts";
import { StateLock } from "../ledger/lock.ts";

export interface HeadStart {
  readonly lock: StateLock;
  /** Rejects where no executor may be started; nothing is left running when it settles. */
  readonly pool: Promise<(clock: Clock) => ExecutorPool>;
}

/** With the lock, since executors of a predecessor are ended. Throws LedgerOpenError or StartupError. */
export async function headStart({ stateDir, actions, limits, mode }: Config): Promise<HeadStart> {
  const lock = await StateLock.acquire(stateDir);
  try {
    return { lock, ...await beginPool(actions, { stateDir, limits, mode, variable: readVariable }) };
  } catch (error) {
    lock.release();
    throw error;
  }
}
