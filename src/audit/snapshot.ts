/**
 * A ledger as it was at one moment, for commands that only read. It may be the state directory of
 * a running daemon, a copy of one, or a backup. No lock is taken, and no vault is needed, because
 * no sealed body is opened.
 *
 * Rows are read as they are asked for, so memory does not grow with the ledger. While a snapshot
 * is open, the daemon's file keeps the pages of that moment.
 */

import { join } from "node:path";
import { Refusal } from "../core/errors.ts";
import type { Mode } from "../core/types.ts";
import { logReader } from "../ledger/log.ts";
import { backup } from "../ledger/backup.ts";
import { countListed, findExecution, unsettled } from "../ledger/find.ts";
import { readIdentity } from "../ledger/identity.ts";
import { findProposal } from "../ledger/proposals/find.ts";
import { OPEN_KEYS, OWED_KEYS, proposalIdOf } from "../ledger/proposals/keys.ts";
import { decodeProposal } from "../ledger/proposals/rows.ts";
import type { ProposalRecord } from "../ledger/proposals/types.ts";
import { unrecordedRestore } from "../ledger/operate.ts";
import { giveToOwner } from "../ledger/disk/state_files.ts";
import { checkDataFile } from "../ledger/disk/data_file.ts";
import {
  APPROVAL,
  approvalKey,
  claimsOf,
  EXECUTION_KEYS,
  executionIdOf,
  NONCE,
  nonceKey,
} from "../ledger/store/keys.ts";
import {
  dataFile,
  exists,
  ledgerFolder,
  LOCK_OF_READERS,
  VAULT_FOLDER,
} from "../ledger/disk/layout.ts";
import type { ExecutionRecord, LogReader } from "../ledger/types.ts";
import { StateLock } from "../ledger/disk/lock.ts";
import { checkSchemaVersion } from "../ledger/store/migrate.ts";
import { LedgerOpenError } from "../ledger/disk/open_error.ts";
import { decodeApproval, decodeExecution } from "../ledger/store/rows.ts";
import { readState } from "../ledger/store/state.ts";
import { Store } from "../ledger/store/store.ts";
import type { Tables } from "../ledger/store/table.ts";
import { SealedBodies } from "../ledger/vault/bodies.ts";
import { Vault } from "../ledger/vault/keys.ts";
import type { LoggedReceipt } from "../log/signed_receipt.ts";
import { releaseMappedFile } from "../os/mapped_file.ts";
import type { ClaimFacts } from "./claims.ts";

const EXECUTION_KEY_BYTES = 16;

export class LedgerSnapshot {
  readonly executorId: string;
  readonly mode: Mode;
  readonly executions: number;
  readonly log: LogReader;
  /** Whether it was restored and no daemon has recorded that yet. */
  readonly isRestored: boolean;
  readonly claims: ClaimFacts;

  private constructor(private readonly store: Store) {
    const { executorId, mode } = readIdentity(store.tables);
    const { executions, logSize } = readState(store.tables);
    this.executorId = executorId;
    this.mode = mode;
    this.executions = executions;
    this.log = logReader(store.tables, () => logSize);
    this.isRestored = unrecordedRestore(store.tables) !== null;
    this.claims = claimFacts(store.tables);
  }

  /** Throws LedgerOpenError: missing, damaged, newer_schema, older_schema. */
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
    giveToOwner(folder, [join(folder, LOCK_OF_READERS)]);
    try {
      checkSchemaVersion(store.tables);
      store.requireTables();
      return new LedgerSnapshot(store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Returns undefined also where the row cannot be read. */
  find(id: string): ExecutionRecord | undefined {
    return readable(() => findExecution(this.store.tables, id)?.record);
  }

  /** Counts the rows of executions one by one. */
  count(): number {
    const { tables } = this.store;
    return tables.executions.count(EXECUTION_KEYS) + unsettled(tables).length;
  }

  /** Yields every execution: those in flight, then the others, the oldest first. */
  *all(): Generator<ExecutionRecord> {
    yield* unsettled(this.store.tables);
    for (const { key, value } of this.store.tables.executions.range(EXECUTION_KEYS)) {
      yield decodeExecution(executionIdOf(key), value).record;
    }
  }

  /** Yields the ids that are listed as unsettled. */
  *unsettled(): Generator<string> {
    for (const { id } of unsettled(this.store.tables)) yield id;
  }

  /** Counts the executions that the lists of all peers have, one by one. */
  listed(): number {
    return countListed(this.store.tables);
  }

  /** Returns undefined also where the row cannot be read. */
  proposal(id: string): ProposalRecord | undefined {
    return readable(() => findProposal(this.store.tables, id)?.record);
  }

  /** Yields every proposal, the oldest first. */
  *proposals(): Generator<ProposalRecord> {
    for (const { key, value } of this.store.tables.proposals.range(EXECUTION_KEYS)) {
      yield decodeProposal(executionIdOf(key), value).record;
    }
  }

  /** Yields the ids of proposals that are listed as waiting. */
  *waiting(): Generator<string> {
    for (const key of this.store.tables.index.keys(OPEN_KEYS)) yield proposalIdOf(key);
  }

  /** Yields the ids of ended proposals whose receipts the log lacks after a restore. */
  *owed(): Generator<string> {
    for (const key of this.store.tables.index.keys(OWED_KEYS)) yield proposalIdOf(key);
  }

  /** Yields receipts in the order of the log, from index `start`. A missing one is left out. */
  *receipts(start = 0): Generator<LoggedReceipt> {
    for (let index = start; index < this.log.size(); index++) {
      const receipt = this.log.leaf(index);
      if (receipt !== undefined) yield receipt;
    }
  }

  /** Returns how many buckets that end after `nowMs` the vault of `stateDir` does not open. */
  unreadableBuckets(stateDir: string, nowMs: number): number {
    const vault = Vault.read(join(stateDir, VAULT_FOLDER));
    const bodies = new SealedBodies(this.store.tables, vault, { nowMs: () => nowMs });
    return bodies.unreadableBuckets(nowMs).size;
  }

  /** Copies it, as `openexec backup` does. Throws as ledger/backup.ts does. */
  backup(directory: string): Promise<void> {
    return backup(this.store, directory);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}

function claimFacts({ claims }: Pick<Tables, "claims">): ClaimFacts {
  const holder = (key: Uint8Array) => {
    const row = claims.get(key);
    return row?.length === EXECUTION_KEY_BYTES ? executionIdOf(row) : undefined;
  };
  const approvalFact = (key: Uint8Array) => {
    const row = claims.get(key);
    const approval = row === undefined ? undefined : readable(() => decodeApproval(row));
    if (approval === undefined) return undefined;
    const { usesTaken, usesAllowed, firstExecution, revokedAtMs } = approval;
    const isRevoked = revokedAtMs > 0;
    return { usesTaken, usesAllowed, firstExecution: executionIdOf(firstExecution), isRevoked };
  };
  return {
    held: (claimants) => {
      const holders = inKeyOrder(claimants, ({ nonce }) => nonceKey(nonce), holder);
      const used = inKeyOrder(
        claimants,
        ({ approval }) => approval === null ? null : approvalKey(approval.iss, approval.jti),
        approvalFact,
      );
      return claimants.map((_, i) => ({ nonceHolder: holders[i], approval: used[i] }));
    },
    approval: (iss, jti) => approvalFact(approvalKey(iss, jti)),
    nonces: () => claims.count(claimsOf(NONCE)),
    approvals: () => claims.count(claimsOf(APPROVAL)),
  };
}

/**
 * Reads rows in the order of their keys, as far as the first bytes tell it, and returns what they
 * say in the order of `items`.
 */
function inKeyOrder<Item, Fact>(
  items: readonly Item[],
  keyOf: (item: Item) => Uint8Array | null,
  read: (key: Uint8Array) => Fact | undefined,
): readonly (Fact | undefined)[] {
  const facts = new Array<Fact | undefined>(items.length);
  const places = items.flatMap((item, i) => {
    const key = keyOf(item);
    if (key === null) return [];
    return { i, key, place: new DataView(key.buffer, key.byteOffset).getUint32(0) };
  });
  places.sort((a, b) => a.place - b.place);
  for (const { i, key } of places) facts[i] = read(key);
  return facts;
}

/** Returns what `read` does, or undefined where it meets a damaged row. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
