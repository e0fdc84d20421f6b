/**
 * A ledger as it was at one moment, for commands that only read. It may be the state directory of
 * a running daemon, a copy of one, or a backup. No lock is taken, and no vault is needed, because
 * no sealed body is opened.
 *
 * Rows are read as they are asked for, so memory does not grow with the ledger. While a snapshot
 * is open, the daemon's file keeps the pages of that moment.
 */

import { join } from "node:path";
import { unlessRefused } from "../core/caught.ts";
import type { Mode } from "../core/types.ts";
import { uuidText } from "../core/uuid.ts";
import { logReader } from "../ledger/log.ts";
import { backup } from "../ledger/backup.ts";
import { findExecution, peerIndex, unsettled } from "../ledger/executions.ts";
import { readIdentity } from "../ledger/identity.ts";
import { findProposal } from "../ledger/proposals/find.ts";
import { OPEN_KEYS, OWED_KEYS, proposalIdOf } from "../ledger/proposals/keys.ts";
import { decodeProposal } from "../ledger/proposals/rows.ts";
import type { ProposalRecord } from "../ledger/proposals/types.ts";
import { unrecordedRestore } from "../ledger/operate.ts";
import { checkDataFile } from "../ledger/disk/data_file.ts";
import {
  APPROVAL,
  approvalHash,
  approvalKey,
  claimKey,
  claimsOf,
  EXECUTION_KEYS,
  executionIdOf,
  NONCE,
  nonceHash,
} from "../ledger/store/keys.ts";
import {
  dataFile,
  exists,
  giveToOwner,
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
import { releaseMappedFile } from "../os/files.ts";
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
  readonly #isListed: (id: string, uid: number) => boolean;

  private constructor(private readonly store: Store) {
    const { executorId, mode } = readIdentity(store.tables);
    const { executions, logSize } = readState(store.tables);
    this.executorId = executorId;
    this.mode = mode;
    this.executions = executions;
    this.log = logReader(store.tables, () => logSize);
    this.isRestored = unrecordedRestore(store.tables) !== null;
    this.claims = claimFacts(store.tables);
    this.#isListed = peerIndex(store.tables);
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
    return unlessRefused(() => findExecution(this.store.tables, id)?.record);
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

  /** Says whether the list of its peer leads to an execution that has settled. */
  isListed({ id, peer }: Pick<ExecutionRecord, "id" | "peer">): boolean {
    return this.#isListed(id, peer.uid);
  }

  /** Returns undefined also where the row cannot be read. */
  proposal(id: string): ProposalRecord | undefined {
    return unlessRefused(() => findProposal(this.store.tables, id)?.record);
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
  const holder = (key: Uint8Array) =>
    claims.read(key, (row) => row.length === EXECUTION_KEY_BYTES ? executionIdOf(row) : undefined);
  const approvalFact = (key: Uint8Array) => {
    const approval = claims.read(key, (row) => unlessRefused(() => decodeApproval(row)));
    if (approval === undefined) return undefined;
    const { usesTaken, usesAllowed, firstExecution, revokedAtMs } = approval;
    const isRevoked = revokedAtMs > 0;
    return { usesTaken, usesAllowed, firstExecution: uuidText(firstExecution), isRevoked };
  };
  return {
    held: (claimants) => {
      const nonces = claimants.map(({ nonce }) => nonceHash(nonce));
      const approvals = claimants.map(({ approval }) =>
        approval === null ? null : approvalHash(approval.iss, approval.jti)
      );
      const holders = inOrder(nonces, (hash) => holder(claimKey(NONCE, hash)));
      const used = inOrder(approvals, (hash) => approvalFact(claimKey(APPROVAL, hash)));
      return claimants.map((_, i) => ({ nonceHolder: holders[i], approval: used[i] }));
    },
    approval: (iss, jti) => approvalFact(approvalKey(iss, jti)),
    nonces: () => claims.count(claimsOf(NONCE)),
    approvals: () => claims.count(claimsOf(APPROVAL)),
  };
}

/**
 * Reads what is stored under hashes in their order, so that neighbours share pages. Returns it in
 * the order of `hashes`; undefined for null.
 */
function inOrder<Fact>(
  hashes: readonly (string | null)[],
  read: (hash: string) => Fact | undefined,
): readonly (Fact | undefined)[] {
  const facts = new Array<Fact | undefined>(hashes.length);
  const places: { readonly i: number; readonly hash: string }[] = [];
  for (const [i, hash] of hashes.entries()) if (hash !== null) places.push({ i, hash });
  places.sort((a, b) => a.hash < b.hash ? -1 : 1);
  for (const { i, hash } of places) facts[i] = read(hash);
  return facts;
}
