/**
 * Restore: makes a backup the state directory's ledger, behind a fence.
 *
 * Invariants:
 * - The backup does not know what was consumed after it was made. So every approval issued before
 *   the restore is refused from now on (`approval_fenced`). Now is the latest of three: the wall
 *   clock, the time by the backup, and the time by the ledger that was there, if that can be read.
 *   If the wall clock was set back, that daemon went on by its uptime.
 * - Executions that were in flight in the backup have long ended, so their requests are dropped:
 *   they become `outcome_unknown` and never run again.
 * - Bodies whose keys are not here are dropped, and show as pruned: a copy has no keys, and may
 *   have been made on another host.
 * - All that it leaves belongs to whom the state directory belongs to, also where root restores.
 * - The next daemon records the restore in the log (operate.ts).
 * - The ledger that was there is kept beside it, under another name. Until the last rename the old
 *   one is in place.
 */

import { join } from "node:path";
import type { MachineClock } from "../core/clock.ts";
import { checkDataFile } from "./disk/data_file.ts";
import { createFolder, renameDurably } from "./disk/durable_file.ts";
import {
  DATA_FILE,
  dataFile,
  draftFolder,
  exists,
  giveToOwner,
  LEDGER_FOLDER,
  ledgerFolder,
  LOCK_FILE,
  VAULT_FOLDER,
} from "./disk/layout.ts";
import { StateLock } from "./disk/lock.ts";
import { LedgerOpenError } from "./disk/open_error.ts";
import { type Identity, readIdentity } from "./identity.ts";
import { openStore } from "./open.ts";
import { noteRestore } from "./operate.ts";
import { endRestored } from "./proposals/end.ts";
import { bucketStart, ownExecutionKey, sealedKey } from "./store/keys.ts";
import { olderState } from "./store/from_version_1.ts";
import { advanceMark, earliestNow, fenceAfter, readState, writeState } from "./store/state.ts";
import { Store } from "./store/store.ts";
import { allUnsettled, putUnsettled } from "./executions.ts";
import { SealedBodies } from "./vault/bodies.ts";
import { Vault } from "./vault/keys.ts";

export interface RestoreOptions {
  /** A directory that `backup` made. */
  readonly backupDir: string;
  readonly stateDir: string;
  readonly clock: MachineClock;
}

export interface Restored extends Identity {
  readonly executions: number;
  readonly logSize: number;
  /** Approvals issued before this second, since 1970, are refused. */
  readonly fenceSeconds: number;
  /** Where the ledger that was there is now; null if there was none. */
  readonly replaced: string | null;
}

/** Throws LedgerOpenError: in_use, missing, damaged, newer_schema. */
export async function restoreLedger(
  { backupDir, stateDir, clock }: RestoreOptions,
): Promise<Restored> {
  const source = dataFile(join(backupDir, LEDGER_FOLDER));
  if (!await exists(source)) {
    throw new LedgerOpenError(
      "missing",
      "There is no backup in that directory",
      "name one that `openexec backup` made",
    );
  }
  await Deno.mkdir(stateDir, { recursive: true, mode: 0o700 });
  const lock = await StateLock.acquire(stateDir);
  try {
    const restored = await prepare(source, stateDir, clock);
    const draft = draftFolder(stateDir);
    const made = Array.from(Deno.readDirSync(draft), ({ name }) => join(draft, name));
    giveToOwner(stateDir, [join(stateDir, LOCK_FILE), draft, ...made]);
    const replaced = await exchange(stateDir, clock.nowMs());
    return { ...restored, replaced };
  } finally {
    lock.release();
  }
}

/** Makes the draft: a copy of the backup, with its fence. */
async function prepare(
  source: string,
  stateDir: string,
  clock: MachineClock,
): Promise<Omit<Restored, "replaced">> {
  const draft = draftFolder(stateDir);
  if (await exists(draft)) await Deno.remove(draft, { recursive: true });
  await createFolder(draft);
  await Deno.copyFile(source, join(draft, DATA_FILE));
  await Deno.chmod(join(draft, DATA_FILE), 0o600);
  const store = await openStore({ directory: draft });
  try {
    const identity = readIdentity(store.tables);
    const state = readState(store.tables);
    const earliestMs = Math.max(
      earliestNow(state, clock),
      await earliestBy(ledgerFolder(stateDir), clock),
    );
    const nowMs = advanceMark(state, clock, earliestMs);
    const vault = Vault.read(join(stateDir, VAULT_FOLDER));
    const bodies = new SealedBodies(store.tables, vault, clock);
    const fenceSeconds = Math.max(state.fenceSeconds, fenceAfter(nowMs));
    await store.commit(() => {
      dropInterrupted(store);
      endRestored(store.tables, nowMs);
      dropUnreadable(store, bodies);
      writeState(store.tables, { ...state, fenceSeconds });
      noteRestore(store.tables, nowMs);
    });
    return { ...identity, executions: state.executions, logSize: state.logSize, fenceSeconds };
  } finally {
    await store.close();
  }
}

/**
 * Returns the earliest time that it can be by the ledger in `folder`; 0 if that cannot be read,
 * which may be the reason to restore.
 */
async function earliestBy(folder: string, clock: MachineClock): Promise<number> {
  try {
    checkDataFile(dataFile(folder));
    const store = new Store({ directory: folder, readOnly: true });
    try {
      return earliestNow(olderState(store.tables) ?? readState(store.tables), clock);
    } finally {
      await store.close();
    }
  } catch {
    return 0;
  }
}

function dropInterrupted({ tables }: Store): void {
  for (const { stored } of allUnsettled(tables)) {
    const id = ownExecutionKey(stored.record.id);
    putUnsettled(tables, id, { stored, request: null });
    tables.sealed.remove(sealedKey(stored.requestBucketMs, "request", id));
  }
}

function dropUnreadable({ tables }: Store, bodies: SealedBodies): void {
  for (const bucketMs of bodies.unreadableBuckets(0)) {
    const bucket = { start: bucketStart(bucketMs), end: bucketStart(bucketMs + 1) };
    for (const key of [...tables.sealed.keys(bucket)]) tables.sealed.remove(key);
  }
}

async function exchange(stateDir: string, nowMs: number): Promise<string | null> {
  const current = ledgerFolder(stateDir);
  const replaced = `${current}.replaced-${nowMs}`;
  const had = await exists(current);
  if (had) await Deno.rename(current, replaced);
  await renameDurably(draftFolder(stateDir), current);
  return had ? replaced : null;
}
