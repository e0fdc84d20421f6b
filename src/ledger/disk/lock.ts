/**
 * The lock that keeps a state directory to one daemon: flock(2) on a file that also names its
 * holder.
 *
 * The kernel drops the lock when the process ends, so a crash leaves nothing to clean up. The
 * descriptor is closed on exec: otherwise a child could keep the lock of a daemon that died.
 */

import { readRegularText } from "../../os/regular_file.ts";
import { sleep } from "../../core/wait.ts";
import { join } from "node:path";
import { exists, LOCK_FILE } from "./layout.ts";
import { LedgerOpenError } from "./open_error.ts";

const ATTEMPTS = 3;
const PAUSE_MS = 20;

export class StateLock {
  private constructor(private readonly file: Deno.FsFile) {}

  /**
   * Locks the directory, and creates it if it is missing. Throws LedgerOpenError, in_use, with the
   * holder's pid.
   */
  static async acquire(stateDir: string): Promise<StateLock> {
    await Deno.mkdir(stateDir, { recursive: true, mode: 0o700 });
    const path = join(stateDir, LOCK_FILE);
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
    if (!await lockSoon(file)) {
      file.close();
      throw inUse(holderOf(path));
    }
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
    return new StateLock(file);
  }

  /** Says whether a daemon runs on that directory. */
  static async isHeld(stateDir: string): Promise<boolean> {
    const path = join(stateDir, LOCK_FILE);
    if (!await exists(path)) return false;
    using file = await Deno.open(path, { read: true });
    return !await file.tryLock(false);
  }

  release(): void {
    this.file.close();
  }
}

/** Tries more than once: `isHeld` in another process takes the lock for a moment. */
async function lockSoon(file: Deno.FsFile): Promise<boolean> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    if (await file.tryLock(true)) return true;
    await sleep(PAUSE_MS);
  }
  return await file.tryLock(true);
}

/** Reads the holder's pid; null before the holder has written it. */
function holderOf(path: string): number | null {
  const text = readRegularText(path).trim();
  return /^[1-9][0-9]*$/.test(text) ? parseInt(text, 10) : null;
}

function inUse(pid: number | null): LedgerOpenError {
  const holder = pid === null ? "another process" : `process ${pid}`;
  return new LedgerOpenError(
    "in_use",
    `The state directory is in use by ${holder}`,
    "stop that daemon, or give this one another state_dir",
    pid,
  );
}
