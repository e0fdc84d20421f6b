/**
 * A ledger as it was at one moment, for whoever only reads: `audit` and `export`, on the state directory of a running
 * daemon, on a copy of one, or on a backup. It takes no lock and needs no vault, since it opens no body.
 *
 * Everything is read as it is asked for: memory does not grow with the ledger. While it is open, the daemon's file keeps
 * the pages of that moment.
 */

import { Refusal } from "../core/errors.ts";
import type { Mode } from "../core/types.ts";
import type { ClaimFacts } from "./claims.ts";
import type { LoggedReceipt } from "../log/signed_receipt.ts";
import { releaseMappedFile } from "../os/mapped_file.ts";
import { logReader } from "../ledger/log.ts";
import { backup } from "../ledger/backup.ts";
import { claimReader } from "./claim_reader.ts";
import { findExecution } from "../ledger/find.ts";
import { readIdentity } from "../ledger/identity.ts";
import { checkDataFile } from "../ledger/disk/data_file.ts";
import { EXECUTION_KEYS, executionIdOf, peerKey } from "../ledger/store/keys.ts";
import { dataFile, exists, ledgerFolder } from "../ledger/disk/layout.ts";
import type { ExecutionRecord, LogReader } from "../ledger/types.ts";
import { checkSchemaVersion } from "../ledger/store/migrate.ts";
import { LedgerOpenError } from "../ledger/disk/open_error.ts";
import { decodeExecution } from "../ledger/store/rows.ts";
import { readState } from "../ledger/store/state.ts";
import { Store } from "../ledger/store/store.ts";
import { StateLock } from "../ledger/disk/lock.ts";

const PEER_KEYS = {
  start: peerKey(0, EXECUTION_KEYS.start),
  end: peerKey(0xffffffff, EXECUTION_KEYS.end),
};

export class LedgerSnapshot {
  readonly executorId: string;
  readonly mode: Mode;
  readonly executions: number;
  readonly log: LogReader;
  readonly claims: ClaimFacts;

  private constructor(private readonly store: Store) {
    const { executorId, mode } = readIdentity(store.tables);
    const { executions, logSize } = readState(store.tables);
    this.executorId = executorId;
    this.mode = mode;
    this.executions = executions;
    this.log = logReader(store.tables, () => logSize);
    this.claims = claimReader(store.tables);
  }

  /** Throws LedgerOpenError: missing, damaged, newer_schema. */
  static async open(stateDir: string): Promise<LedgerSnapshot> {
    const folder = ledgerFolder(stateDir);
    if (!await exists(dataFile(folder))) {
      throw new LedgerOpenError(
        "missing",
        "There is no ledger in that directory",
        "name a state directory or a backup",
      );
    }
    checkDataFile(dataFile(folder), await StateLock.isHeld(stateDir));
    const store = new Store({ directory: folder, readOnly: true, release: releaseMappedFile });
    try {
      checkSchemaVersion(store.tables);
      return new LedgerSnapshot(store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** undefined also where its row cannot be read. */
  find(id: string): ExecutionRecord | undefined {
    try {
      return findExecution(this.store.tables, id)?.record;
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  /** How many rows of executions there are, one by one. */
  count(): number {
    return this.store.tables.executions.count(EXECUTION_KEYS);
  }

  /** Every execution, the oldest first. */
  *all(): Generator<ExecutionRecord> {
    for (const { key, value } of this.store.tables.executions.range(EXECUTION_KEYS)) {
      yield decodeExecution(executionIdOf(key), value).record;
    }
  }

  /** Ids of the executions that are listed as unsettled. */
  *unsettled(): Generator<string> {
    for (const key of this.store.tables.unsettled.keys(EXECUTION_KEYS)) yield executionIdOf(key);
  }

  /** How many rows of executions there are under all peers, one by one. */
  listed(): number {
    return this.store.tables.peers.count(PEER_KEYS);
  }

  /** Receipts in the order of the log, from index `start`; one that is missing is left out. */
  *receipts(start = 0): Generator<LoggedReceipt> {
    for (let index = start; index < this.log.size(); index++) {
      const receipt = this.log.leaf(index);
      if (receipt !== undefined) yield receipt;
    }
  }

  /** A copy of it, as `openexec backup` makes them. Throws as ledger/backup.ts does. */
  backup(directory: string): Promise<void> {
    return backup(this.store, directory);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
