/** The shape of a migration's steps, which migrate.ts runs. */

import type { Store } from "./store.ts";

/** The work of one transaction. */
export interface Batch {
  /** Runs inside the transaction. */
  readonly write: () => void;
  /** Rows that were read for it, for the progress. */
  readonly rows: number;
  /** Where the next batch goes on; null after the last one. */
  readonly next: Uint8Array | null;
}

export interface MigrationPart {
  /** Counts the rows that are to be read, for the progress. */
  rows(): number;
  /** Reads the batch that comes after `position`, which is empty at first. */
  read(position: Uint8Array, rowsMax: number): Batch;
}

/** Leads from the version it is listed under to the newest. */
export interface MigrationStep {
  /** Names of all tables of that version. */
  readonly tables: readonly string[];
  executions(older: Store): number;
  /** Distinguishes the ledger from any other, and from the same one after any commit. */
  state(older: Store): Uint8Array;
  parts(older: Store, newer: Store): readonly MigrationPart[];
}
