/**
 * The schema's version: recorded in the ledger, compared at every start, brought up to date step by step.
 *
 * Invariant: a step and the version it leads to are written in one transaction, so that an interrupted migration goes on
 * where it stopped. A ledger written by a newer program is not touched.
 */

import { utf8Encode } from "../../core/encoding.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { damagedLedger, LedgerOpenError } from "../disk/open_error.ts";
import type { Store, Tables } from "./store.ts";

export const SCHEMA_VERSION = 1;

const SCHEMA_KEY = utf8Encode("schema");

/** From the version it is listed under to the next. Runs inside a transaction. */
export type MigrationStep = (tables: Tables) => void;

/** There has been one version, so there is nothing to bring up to date. */
const STEPS: ReadonlyMap<number, MigrationStep> = new Map();

export function writeSchemaVersion(tables: Tables, version: number): void {
  tables.meta.put(SCHEMA_KEY, new ByteWriter(4).u32(version).finish());
}

/** undefined when there is none. */
export function readSchemaVersion(tables: Tables): number | undefined {
  const row = tables.meta.get(SCHEMA_KEY);
  return row === undefined ? undefined : new ByteReader(row).u32();
}

/** For a ledger that may not be written to. Throws LedgerOpenError: newer_schema; damaged for any other version. */
export function checkSchemaVersion(tables: Tables): void {
  const version = readSchemaVersion(tables);
  if (version !== undefined && version > SCHEMA_VERSION) throw newerSchema(version, SCHEMA_VERSION);
  if (version !== SCHEMA_VERSION) throw damagedLedger(`it has no schema version ${SCHEMA_VERSION}`);
}

/** Throws LedgerOpenError: newer_schema; damaged when no version is recorded or a step is missing. */
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
