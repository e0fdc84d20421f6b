/**
 * One daemon for each state directory: an exclusive lock (flock(2)) on a file in it, which also names the holder.
 *
 * The kernel ends the lock with the process, however that ends, so there is nothing to clean up after a crash. The
 * descriptor is closed on exec, so that no child can keep the lock of a daemon that died.
 */

import { join } from "node:path";
import { exists } from "./layout.ts";
import { LedgerOpenError } from "./open_error.ts";

const ATTEMPTS = 3;
const PAUSE_MS = 20;

export class StateLock {
  private constructor(private readonly file: Deno.FsFile) {}

  /** Makes the directory where there is none. Throws LedgerOpenError, in_use, with the holder's pid. */
  static async acquire(stateDir: string): Promise<StateLock> {
    await Deno.mkdir(stateDir, { recursive: true, mode: 0o700 });
    const path = join(stateDir, "lock");
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
    if (!await lockSoon(file)) {
      file.close();
      throw inUse(await holderOf(path));
    }
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
    return new StateLock(file);
  }

  /** Whether a daemon runs on that directory. */
  static async isHeld(stateDir: string): Promise<boolean> {
    const path = join(stateDir, "lock");
    if (!await exists(path)) return false;
    const file = await Deno.open(path, { read: true });
    try {
      return !await file.tryLock(false);
    } finally {
      file.close();
    }
  }

  release(): void {
    this.file.close();
  }
}

/** A reader that asks whether a daemon runs (`isHeld`) holds the lock for a moment. */
async function lockSoon(file: Deno.FsFile): Promise<boolean> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    if (await file.tryLock(true)) return true;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return await file.tryLock(true);
}

/** null when the holder has not written its pid yet. */
async function holderOf(path: string): Promise<number | null> {
  const text = (await Deno.readTextFile(path)).trim();
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
