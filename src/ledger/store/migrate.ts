/**
 * The schema's version: recorded in the ledger, compared at every start. A ledger of an older one
 * is copied, row by row, into a new file, which then takes its place.
 *
 * Invariants:
 * - Until the last rename the older file is as it was, and the older program can go on with it.
 * - Each transaction of the copy also records how far it is, and of which state of the older
 *   ledger. So a migration that was interrupted goes on where it stopped. If that state has changed
 *   since, or the copy does not say, it begins anew.
 * - A ledger that a newer program wrote is not touched.
 */

import { join } from "node:path";
import { equalBytes, utf8Encode } from "../../core/bytes.ts";
import { sha256 } from "../../core/sha.ts";
import { checkDataFile } from "../disk/data_file.ts";
import { createFolder, flush } from "../disk/durable_file.ts";
import { freeBytes } from "../disk/free_space.ts";
import { DATA_FILE, dataFile, exists, LOCK_OF_READERS } from "../disk/layout.ts";
import { damagedLedger, LedgerOpenError } from "../disk/open_error.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { fromVersion1 } from "./from_version_1.ts";
import type { MigrationStep } from "./migration.ts";
import { Store, type StoreOptions } from "./store.ts";
import type { Tables } from "./table.ts";

export const SCHEMA_VERSION = 2;

const SCHEMA_KEY = utf8Encode("schema");
const PROGRESS_KEY = utf8Encode("migration");
const NOWHERE = new Uint8Array();

/** How many rows a transaction moves, unless they are large. */
const ROWS_PER_TRANSACTION = 16_384;
/** The copy may be less dense than the original. */
const MARGIN = 1.25;
const MIB = 2 ** 20;

const STEPS: ReadonlyMap<number, MigrationStep> = new Map([[1, fromVersion1]]);

/**
 * Says how many of the executions are done. Rows are of several tables, so they are told as the
 * share of the executions that they are.
 */
export type ReportMigration = (done: number, executions: number) => void;

export interface MigrationOptions {
  /** Called before anything is written: throws where this ledger must stay as it is. */
  readonly admit?: (older: Tables) => void;
  /** Called after each transaction. */
  readonly report?: ReportMigration;
  /** For tests: rows moved by one transaction. */
  readonly rowsMax?: number;
  /** For tests: the free space of the disk in bytes. */
  readonly freeBytes?: number;
}

/** How far a copy is. */
interface Progress {
  /** The SHA-256 of the older ledger's state. */
  readonly of: Uint8Array;
  readonly part: number;
  readonly moved: number;
  readonly position: Uint8Array;
}

export function writeSchemaVersion({ meta }: Tables, version = SCHEMA_VERSION): void {
  meta.put(SCHEMA_KEY, new ByteWriter(4).u32(version).finish());
}

/**
 * Checks that a ledger has the schema of this program. Throws LedgerOpenError: newer_schema,
 * older_schema, or damaged if no version is recorded.
 */
export function checkSchemaVersion(tables: Tables): void {
  const version = readSchemaVersion(tables);
  if (version === SCHEMA_VERSION) return;
  throw new LedgerOpenError(
    "older_schema",
    `The ledger has schema version ${version}, and this program reads version ${SCHEMA_VERSION}`,
    "start `openexec serve` on it once, or bring a backup back with `openexec restore DIR`",
  );
}

/** Throws LedgerOpenError: newer_schema, damaged. */
function readSchemaVersion({ meta }: Tables): number {
  const row = meta.get(SCHEMA_KEY);
  if (row === undefined) throw damagedLedger("it has no schema version");
  const version = new ByteReader(row).u32();
  if (version <= SCHEMA_VERSION) return version;
  throw new LedgerOpenError(
    "newer_schema",
    `The ledger has schema version ${version}, and this program knows ${SCHEMA_VERSION}`,
    "start the newer program",
  );
}

/**
 * Brings the ledger in that folder up to date. Throws LedgerOpenError: newer_schema, damaged, or
 * no_space before anything was written.
 */
export async function migrate(
  { directory, release }: StoreOptions,
  options: MigrationOptions = {},
): Promise<void> {
  const draft = `${directory}.migrating`;
  const releasing = release === undefined ? {} : { release };
  const olderTables = [...STEPS.values()].flatMap(({ tables }) => tables);
  const older = new Store({ directory, readOnly: true, older: olderTables, ...releasing });
  try {
    const version = readSchemaVersion(older.tables);
    if (version === SCHEMA_VERSION) {
      older.requireTables();
      return await removeDraft(draft); // one that the older program or a kill left
    }
    const step = STEPS.get(version);
    if (step === undefined) throw damagedLedger(`no way leads from schema version ${version}`);
    options.admit?.(older.tables);
    await copy(older, step, { directory: draft, isBulk: true, ...releasing }, options);
  } finally {
    await older.close();
  }
  await exchange(directory, draft);
  await removeDraft(draft);
}

async function copy(
  older: Store,
  step: MigrationStep,
  draft: StoreOptions,
  options: MigrationOptions,
): Promise<void> {
  const of = sha256(step.state(older));
  const begun = await openBegun(draft, of);
  if (begun === undefined) {
    await removeDraft(draft.directory);
    requireSpace(older, step, options);
    await createFolder(draft.directory);
  }
  const newer = begun?.store ?? new Store(draft);
  const progress = begun?.progress ?? { of, part: 0, moved: 0, position: NOWHERE };
  try {
    await copyParts(older, newer, step, progress, options);
  } finally {
    await newer.close();
  }
}

/** Returns undefined unless the draft is a sound file which says that it is a copy of `of`. */
async function openBegun(
  draft: StoreOptions,
  of: Uint8Array,
): Promise<{ store: Store; progress: Progress } | undefined> {
  const path = dataFile(draft.directory);
  if (!await exists(path) || !isSound(path)) return undefined;
  const store = new Store(draft);
  const progress = readProgress(store.tables);
  if (progress !== undefined && equalBytes(progress.of, of)) return { store, progress };
  await store.close();
  return undefined;
}

function isSound(path: string): boolean {
  try {
    checkDataFile(path);
    return true;
  } catch (error) {
    if (error instanceof LedgerOpenError) return false;
    throw error;
  }
}

async function copyParts(
  older: Store,
  newer: Store,
  step: MigrationStep,
  begun: Progress,
  { report, rowsMax = ROWS_PER_TRANSACTION }: MigrationOptions,
): Promise<void> {
  const parts = step.parts(older, newer);
  const total = parts.reduce((sum, part) => sum + part.rows(), 0);
  const executions = step.executions(older);
  let at = begun;
  for (let part = parts[at.part]; part !== undefined; part = parts[at.part]) {
    const { write, rows, next } = part.read(at.position, rowsMax);
    at = {
      ...at,
      part: next === null ? at.part + 1 : at.part,
      moved: at.moved + rows,
      position: next ?? NOWHERE,
    };
    const after = at;
    await newer.commit(() => {
      write();
      writeProgress(newer.tables, after);
    });
    report?.(Math.floor(executions * Math.min(1, at.moved / Math.max(1, total))), executions);
  }
  await newer.commit(() => {
    newer.tables.meta.remove(PROGRESS_KEY);
    writeSchemaVersion(newer.tables);
  });
}

/**
 * Puts the copy in the place of the older file, by one rename. The lock file of readers goes first:
 * it knows the older file's transactions. A reader that has both open keeps them; one that came in
 * between may have made another, so that goes too.
 */
async function exchange(directory: string, draft: string): Promise<void> {
  const data = dataFile(draft);
  const lock = join(directory, LOCK_OF_READERS);
  await flush(data);
  await Deno.chmod(data, 0o600);
  await Deno.remove(lock).catch(ignoreMissing);
  await Deno.rename(data, join(directory, DATA_FILE));
  await Deno.remove(lock).catch(ignoreMissing);
  await flush(directory);
}

async function removeDraft(draft: string): Promise<void> {
  await Deno.remove(draft, { recursive: true }).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function writeProgress(
  { meta }: Tables,
  { of, part, moved, position }: Progress,
): void {
  const writer = new ByteWriter(128).bytes(of).u8(part).u48(moved).bytes(position);
  meta.put(PROGRESS_KEY, writer.finish());
}

function readProgress({ meta }: Tables): Progress | undefined {
  const row = meta.get(PROGRESS_KEY);
  if (row === undefined) return undefined;
  const reader = new ByteReader(row);
  const [of, part, moved] = [reader.bytes(32), reader.u8(), reader.u48()];
  return { of, part, moved, position: reader.rest() };
}

function requireSpace(older: Store, { tables }: MigrationStep, options: MigrationOptions): void {
  const pages = tables.reduce((sum, name) => sum + older.older(name).pages, 0);
  const free = options.freeBytes ?? freeBytes(older.directory);
  const missing = pages * older.pageBytes * MARGIN + MIB - free;
  if (missing <= 0) return;
  throw new LedgerOpenError(
    "no_space",
    "To bring the ledger up to date needs more space on its disk",
    `free ${Math.ceil(missing / MIB)} MiB there; until then the older program can go on with it`,
  );
}
