/**
 * Names the files and folders of a state directory, and looks at them before a start opens them. A
 * backup has the ledger's folder alone.
 *
 * Invariant: nothing is opened that would keep the start waiting or end the process. A pipe keeps
 * whoever opens it waiting for ever, and LMDB ends the process where it cannot open its lock file.
 */

import { join } from "node:path";
import { StartupError } from "../../core/startup_error.ts";

export const LEDGER_FOLDER = "ledger";
export const VAULT_FOLDER = "vault";
/** The lock of the whole directory: lock.ts. */
export const LOCK_FILE = "lock";
/** LMDB chose these names. */
export const DATA_FILE = "data.mdb";
/** Made by whoever opens the data file first, and by readers too. */
export const LOCK_OF_READERS = "lock.mdb";

export function ledgerFolder(stateDir: string): string {
  return join(stateDir, LEDGER_FOLDER);
}

/** A ledger is created or restored here, and renamed when it is complete. */
export function draftFolder(stateDir: string): string {
  return join(stateDir, `${LEDGER_FOLDER}.draft`);
}

export function dataFile(folder: string): string {
  return join(folder, DATA_FILE);
}

export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const FOLDERS = [LEDGER_FOLDER, VAULT_FOLDER, "keys", "executors"];
const FILES = [
  LOCK_FILE,
  "ballast",
  "executor.pub",
  `${LEDGER_FOLDER}/${DATA_FILE}`,
  `${LEDGER_FOLDER}/${LOCK_OF_READERS}`,
];

/** Returns those of a state directory's own files and folders that are there. */
export function stateFiles(stateDir: string): string[] {
  return [...FOLDERS, ...FILES].map((name) => join(stateDir, name)).filter(isThere);
}

/**
 * Throws a StartupError for a folder that is none or a file that is none, and what the runtime does
 * for a file that this user may not read and write.
 */
export function requireStateFiles(stateDir: string): void {
  for (const name of FOLDERS) {
    const path = join(stateDir, name);
    if (isThere(path) && !Deno.statSync(path).isDirectory) throw notOurs(path, "folder");
  }
  for (const name of FILES) {
    const path = join(stateDir, name);
    if (!isThere(path)) continue;
    if (!Deno.statSync(path).isFile) throw notOurs(path, "regular file");
    Deno.openSync(path, { read: true, write: true }).close();
  }
}

/**
 * Gives those of `paths` that are there to whom `folder` belongs: what root makes in it is for the
 * daemon's user. Does nothing for another user, whose files are its own.
 */
export function giveToOwner(folder: string, paths: readonly string[]): void {
  if (Deno.uid() !== 0) return;
  const { uid, gid } = Deno.statSync(folder);
  for (const path of paths.filter(isThere)) {
    if (Deno.statSync(path).uid !== uid) Deno.chownSync(path, uid, gid);
  }
}

function notOurs(path: string, kind: string): StartupError {
  return new StartupError(`${path} is no ${kind}`, "move it away: the daemon makes its own");
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
