/**
 * The schema's version: recorded in the ledger, compared at every start, brought up to date step by
 * step.
 *
 * Invariant: a step and the version it leads to are one transaction, so that an interrupted
 * migration goes on where it stopped. A ledger that a newer program wrote is not touched.
 */

import { utf8Encode } from "../../core/bytes.ts";
import { damagedLedger, LedgerOpenError } from "../disk/open_error.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { Store } from "./store.ts";
import type { Tables } from "./table.ts";

export const SCHEMA_VERSION = 1;

const SCHEMA_KEY = utf8Encode("schema");

/** Leads from the version it is listed under to the next. Runs inside a transaction. */
export type MigrationStep = (tables: Tables) => void;

/** Empty: there has been only one version. */
const STEPS: ReadonlyMap<number, MigrationStep> = new Map();

export function writeSchemaVersion(tables: Tables, version: number): void {
  tables.meta.put(SCHEMA_KEY, new ByteWriter(4).u32(version).finish());
}

/** Returns undefined if none is recorded. */
export function readSchemaVersion(tables: Tables): number | undefined {
  const row = tables.meta.get(SCHEMA_KEY);
  return row === undefined ? undefined : new ByteReader(row).u32();
}

/**
 * Checks a ledger that may not be written to. Throws LedgerOpenError: newer_schema, or damaged for
 * any other version.
 */
export function checkSchemaVersion(tables: Tables): void {
  const version = readSchemaVersion(tables);
  if (version !== undefined && version > SCHEMA_VERSION) throw newerSchema(version, SCHEMA_VERSION);
  if (version !== SCHEMA_VERSION) throw damagedLedger(`it has no schema version ${SCHEMA_VERSION}`);
}

/**
 * Brings a ledger up to date. Throws LedgerOpenError: newer_schema, or damaged if no version is
 * recorded or a step is missing.
 */
export async function migrate(store: Store, target = SCHEMA_VERSION, steps = STEPS): Promise<void> {
  for (;;) {
    const version = readSchemaVersion(store.tables);
    if (version === target) return;
    if (version === undefined || version < target && !steps.has(version)) {
      throw damagedLedger(`no way leads from schema version ${version} to ${target}`);
    }
    if (version > target) throw newerSchema(version, target);
    await store.commit(() => {
      steps.get(version)?.(store.tables);
      writeSchemaVersion(store.tables, version + 1);
    });
  }
}

function newerSchema(version: number, known: number): LedgerOpenError {
  return new LedgerOpenError(
    "newer_schema",
    `The ledger has schema version ${version}, and this program knows ${known}`,
    "start the newer program",
  );
}
