/** Where things are in a state directory. A backup has the ledger's folder alone. */

import { join } from "node:path";

export const LEDGER_FOLDER = "ledger";
export const VAULT_FOLDER = "vault";
/** LMDB names it so. */
export const DATA_FILE = "data.mdb";

export function ledgerFolder(stateDir: string): string {
  return join(stateDir, LEDGER_FOLDER);
}

/** Where a ledger is made or brought back before it takes its name. */
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
