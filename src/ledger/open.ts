/**
 * Opens a state directory: one daemon, a sound file, the schema of this program, its own identity.
 * Then it puts the ledger together.
 *
 * Invariants:
 * - A ledger is created under another name and renamed when it is complete. So an empty or missing
 *   data file is damage, never a fresh start: a ledger that forgot its claims would run everything
 *   again.
 * - A new ledger fences off every approval issued before it (store/state.ts): one that was removed
 *   may have consumed them.
 * - Nothing is scanned: a start takes as long with a million executions as with none. The first one
 *   on a ledger of an older schema brings it up to date (store/migrate.ts).
 */

import { join } from "node:path";
import { type MachineClock, monotonicClock } from "../core/clock.ts";
import type { Mode } from "../core/types.ts";
import { releaseMappedFile } from "../os/files.ts";
import { Approvals } from "./approvals.ts";
import { checkDataFile } from "./disk/data_file.ts";
import { createFolder, flush, renameDurably } from "./disk/durable_file.ts";
import { dataFile, draftFolder, exists, ledgerFolder, VAULT_FOLDER } from "./disk/layout.ts";
import { StateLock } from "./disk/lock.ts";
import { damagedLedger } from "./disk/open_error.ts";
import { Ballast, Space } from "./disk/space.ts";
import { checkIdentity, randomExecutorId, readIdentity, writeIdentity } from "./identity.ts";
import { Ledger } from "./ledger.ts";
import { GroupCommit } from "./store/group_commit.ts";
import { migrate, type MigrationOptions, writeSchemaVersion } from "./store/migrate.ts";
import {
  advanceMark,
  earliestNow,
  emptyState,
  fenceAfter,
  readState,
  writeState,
} from "./store/state.ts";
import { Store, type StoreOptions } from "./store/store.ts";
import type { Tables } from "./store/table.ts";
import { SealedBodies } from "./vault/bodies.ts";
import { Vault } from "./vault/keys.ts";

export interface OpenOptions {
  readonly stateDir: string;
  /** null means the one that the ledger remembers; a new ledger gets a random one. */
  readonly executorId: string | null;
  readonly mode: Mode;
  readonly clock: MachineClock;
  /** The largest result that may have to be sealed, in bytes; 1 MiB by default. */
  readonly resultBytesMax?: number;
  /** The lock of that directory, if the caller holds it already. The ledger releases it. */
  readonly lock?: StateLock;
  /** For a ledger of an older schema. */
  readonly migration?: MigrationOptions;
  /** For tests: address space of the map in bytes. */
  readonly mapBytes?: number;
  /** For tests: bytes of changes that are recent before they are filed. */
  readonly recentBytes?: number;
}

const RESULT_BYTES_MAX = 2 ** 20;

/** Throws LedgerOpenError. */
export async function openLedger(options: OpenOptions): Promise<Ledger> {
  const { stateDir, mapBytes, recentBytes } = options;
  const admit = (older: Tables) => checkIdentity(readIdentity(older), options);
  const directory = ledgerFolder(stateDir);
  const lock = options.lock ?? await StateLock.acquire(stateDir);
  let store: Store | undefined;
  try {
    if (!await exists(directory)) await createLedger(options);
    const release = releaseMappedFile;
    const migration = { ...options.migration, admit };
    store = await openStore({ directory, mapBytes, recentBytes, release }, migration);
    return await assemble(options, store, lock);
  } catch (error) {
    await store?.close();
    lock.release();
    throw error;
  }
}

/** Throws LedgerOpenError: damaged, newer_schema, no_space. */
export async function openStore(
  options: StoreOptions,
  migration?: MigrationOptions,
): Promise<Store> {
  const path = dataFile(options.directory);
  if (!await exists(path)) throw damagedLedger("its data file is gone");
  checkDataFile(path);
  await migrate(options, migration);
  return new Store(options);
}

async function createLedger(options: OpenOptions): Promise<void> {
  const { stateDir, executorId, mode, clock } = options;
  if (await exists(join(stateDir, VAULT_FOLDER))) throw damagedLedger("its folder is gone");
  const draft = draftFolder(stateDir);
  if (await exists(draft)) await Deno.remove(draft, { recursive: true });
  await createFolder(draft);
  const store = new Store({ directory: draft });
  const state = emptyState();
  state.fenceSeconds = fenceAfter(advanceMark(state, clock));
  await store.commit(() => {
    writeSchemaVersion(store.tables);
    writeIdentity(store.tables, { executorId: executorId ?? randomExecutorId(), mode });
    writeState(store.tables, state);
  });
  await store.close();
  await flush(draft);
  await renameDurably(draft, ledgerFolder(stateDir));
}

async function assemble(options: OpenOptions, store: Store, lock: StateLock): Promise<Ledger> {
  const { stateDir, clock: wallClock, resultBytesMax = RESULT_BYTES_MAX } = options;
  const { tables } = store;
  const identity = readIdentity(tables);
  checkIdentity(identity, options);
  const clock = monotonicClock(wallClock, earliestNow(readState(tables), wallClock));
  const commits = new GroupCommit(store, clock);
  const vault = await Vault.open(join(stateDir, VAULT_FOLDER));
  const bodies = new SealedBodies(tables, vault, clock);
  const approvals = new Approvals(tables, bodies);
  const space = new Space({
    directory: stateDir,
    ballast: await Ballast.open(stateDir),
    resultBytesMax,
    unsettled: () => commits.state().unsettled,
    store,
  });
  return new Ledger({
    identity,
    lock,
    store,
    tables,
    commits,
    space,
    vault,
    bodies,
    approvals,
    clock,
  });
}
