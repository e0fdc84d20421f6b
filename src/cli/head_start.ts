/**
 * What a start waits for longest, begun before anything else: while the first executor boots, the rest of the daemon's program
 * is loaded and its ledger is opened.
 */

import type { Config } from "../config/config.ts";
import { readVariable } from "../config/environment.ts";
import { Refusal } from "../core/errors.ts";
import type { ExecutorPool } from "../executor/executor.ts";
import type { BegunExaminer } from "../executor/examiner.ts";
import { beginPool, type Surroundings } from "../executor/supervisor.ts";
import { freeBytes } from "../ledger/free_space.ts";
import { StateLock } from "../ledger/lock.ts";

export interface HeadStart {
  readonly lock: StateLock;
  /** Rejects where no executor may be started; then nothing is left running. */
  readonly pool: Promise<(surroundings: Surroundings) => ExecutorPool>;
}

/** Less is a full disk: recovery would have to live on the ballast, which is there for what runs. */
const ROOM_BYTES = 64 * 1024;

/**
 * With the lock, since executors of a predecessor are ended; `examiner` is one that may have been begun. Throws LedgerOpenError,
 * StartupError or Refusal storage_full.
 */
export async function headStart(
  { stateDir, actions, limits, mode }: Config,
  examiner: BegunExaminer | null,
): Promise<HeadStart> {
  const lock = await StateLock.acquire(stateDir);
  try {
    if (freeBytes(stateDir) < ROOM_BYTES) throw new Refusal("storage_full");
    return {
      lock,
      ...await beginPool(actions, { stateDir, limits, mode, variable: readVariable, examiner }),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
