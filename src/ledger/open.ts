/**
 * Opening a state directory: one daemon, a sound file, the schema of this program, its own identity; then the parts.
 *
 * Invariants:
 * - A ledger is made under another name and renamed when it is complete, so an empty or missing data file is damage and
 *   never a fresh start: a ledger that forgot its claims would run everything again.
 * - Nothing is scanned, so that a start takes as long with a million executions as with none.
 */

import { join } from "node:path";
import { type MachineClock, monotonicClock } from "../core/clock.ts";
import type { Mode } from "../core/types.ts";
import { releaseMappedFile } from "../os/mapped_file.ts";
import { Ballast } from "./ballast.ts";
import { advanceMark, earliestNow } from "./clock_mark.ts";
import { createFolder, flushFolder } from "./disk/durable_file.ts";
import { Grants } from "./grants.ts";
import { GroupCommit } from "./store/group_commit.ts";
import { checkIdentity, randomExecutorId, readIdentity, writeIdentity } from "./identity.ts";
import { checkDataFile } from "./integrity.ts";
import { dataFile, draftFolder, exists, ledgerFolder, VAULT_FOLDER } from "./disk/layout.ts";
import { LmdbLedger } from "./ledger.ts";
import { StateLock } from "./disk/lock.ts";
import { migrate, SCHEMA_VERSION, writeSchemaVersion } from "./store/migrate.ts";
import { damagedLedger, LedgerOpenError } from "./disk/open_error.ts";
import { Room } from "./disk/space.ts";
import { SealedBodies } from "./vault/bodies.ts";
import { emptyState, readState, writeState } from "./store/state.ts";
import { Store, type StoreOptions } from "./store/store.ts";
import { Vault } from "./vault/keys.ts";

export interface OpenOptions {
  readonly stateDir: string;
  /** null: the one the state directory remembers; a random one when it is new. */
  readonly executorId: string | null;
  readonly mode: Mode;
  readonly clock: MachineClock;
  /** Largest result that may have to be sealed, in bytes; default 1 MiB. */
  readonly resultBytesMax?: number;
  /** false: a missing ledger is an error. Default true. */
  readonly createIfMissing?: boolean;
  /** Of that directory, where the caller holds it already; it is the ledger's from here on. */
  readonly lock?: StateLock;
  /** For tests: address space of the map in bytes. */
  readonly mapBytes?: number;
}

const RESULT_BYTES_MAX = 2 ** 20;

/** Throws LedgerOpenError. */
export async function openLedger(options: OpenOptions): Promise<LmdbLedger> {
  const { stateDir } = options;
  const lock = options.lock ?? await StateLock.acquire(stateDir);
  let store: Store | undefined;
  try {
    if (!await exists(ledgerFolder(stateDir))) await createLedger(options);
    const { mapBytes } = options;
    store = await openStore({
      directory: ledgerFolder(stateDir),
      mapBytes,
      release: releaseMappedFile,
    });
    return await assemble(options, store, lock);
  } catch (error) {
    await store?.close();
    lock.release();
    throw error;
  }
}

/** Throws LedgerOpenError: damaged, newer_schema. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const path = dataFile(options.directory);
  if (!await exists(path)) throw damagedLedger("its data file is gone");
  checkDataFile(path);
  const store = new Store(options);
  try {
    await migrate(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

async function createLedger(options: OpenOptions): Promise<void> {
  const { stateDir, executorId, mode, clock, createIfMissing = true } = options;
  if (await exists(join(stateDir, VAULT_FOLDER))) throw damagedLedger("its folder is gone");
  if (!createIfMissing) {
    throw new LedgerOpenError(
      "missing",
      "There is no ledger in the state directory",
      "start `openexec serve` once",
    );
  }
  const draft = draftFolder(stateDir);
  if (await exists(draft)) await Deno.remove(draft, { recursive: true });
  await createFolder(draft);
  const store = new Store({ directory: draft });
  const state = emptyState();
  advanceMark(state, clock);
  await store.commit(() => {
    writeSchemaVersion(store.tables, SCHEMA_VERSION);
    writeIdentity(store.tables, { executorId: executorId ?? randomExecutorId(), mode });
    writeState(store.tables, state);
  });
  await store.close();
  await flushFolder(draft);
  await Deno.rename(draft, ledgerFolder(stateDir));
  await flushFolder(stateDir);
}

async function assemble(options: OpenOptions, store: Store, lock: StateLock): Promise<LmdbLedger> {
  const { stateDir, clock: wallClock, resultBytesMax = RESULT_BYTES_MAX } = options;
  const { tables } = store;
  const identity = readIdentity(tables);
  checkIdentity(identity, options);
  const clock = monotonicClock(wallClock, earliestNow(readState(tables), wallClock));
  const commits = new GroupCommit(store, clock);
  const vault = await Vault.open(join(stateDir, VAULT_FOLDER));
  const bodies = new SealedBodies(tables, vault);
  const grants = new Grants(tables, bodies);
  const room = new Room({
    directory: stateDir,
    ballast: await Ballast.open(stateDir),
    resultBytesMax,
    unsettled: () => commits.state().unsettled,
    reusableBytes: () => store.reusableBytes,
    unusable: () => store.unusable,
  });
  return new LmdbLedger({
    tables,
    commits,
    bodies,
    grants,
    room,
    clock,
    identity,
    store,
    vault,
    lock,
  });
}
