/**
 * Backup: a consistent copy of the database, taken while the daemon runs.
 *
 * Invariant: it holds no vault key and no signing key, so it shows no more than a ledger from which
 * everything was pruned. It is complete once its folder has its final name.
 */

import { join } from "node:path";
import { Refusal } from "../core/errors.ts";
import { flush, renameDurably } from "./disk/durable_file.ts";
import { freeBytes, FULL_BYTES, refuseFileError } from "./disk/free_space.ts";
import { DATA_FILE, LEDGER_FOLDER } from "./disk/layout.ts";
import type { Store } from "./store/store.ts";

/**
 * Creates `directory` if it is missing. Throws storage_full, or request_malformed if the directory
 * is not empty or cannot be written to. A failed backup is removed.
 */
export async function backup(store: Store, directory: string): Promise<void> {
  const draft = join(directory, `${LEDGER_FOLDER}.draft`);
  await prepare(directory, draft);
  try {
    await store.backup(draft);
    await flush(join(draft, DATA_FILE));
    await Deno.chmod(join(draft, DATA_FILE), 0o600);
    await renameDurably(draft, join(directory, LEDGER_FOLDER));
  } catch (error) {
    const full = freeBytes(directory) < FULL_BYTES;
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    throw full
      ? new Refusal("storage_full", "The backup's file system is full.")
      : refuseFileError(error);
  }
}

async function prepare(directory: string, draft: string): Promise<void> {
  let empty = true;
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    for await (const _ of Deno.readDir(directory)) empty = false;
    if (empty) await Deno.mkdir(draft, { mode: 0o700 });
  } catch {
    throw new Refusal("request_malformed", "The daemon cannot write to the backup's directory.");
  }
  if (!empty) throw new Refusal("request_malformed", "The backup's directory is not empty.");
}
