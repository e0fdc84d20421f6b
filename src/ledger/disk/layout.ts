/** Names the files and folders of a state directory. A backup has the ledger's folder alone. */

import { join } from "node:path";

export const LEDGER_FOLDER = "ledger";
export const VAULT_FOLDER = "vault";
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
