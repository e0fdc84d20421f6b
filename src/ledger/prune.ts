/**
 * Pruning: makes what has expired unreadable (G9), then removes its rows.
 *
 * Invariants:
 * - The key goes first: without it, no row of its bucket can be read, in any copy. A crash in
 *   between leaves rows without a key, which the next run removes.
 * - A bucket outlives its executions that have not settled, because they may have to run again, its
 *   proposals that still wait, and bodies that are being sealed for it. One in which nothing is
 *   left goes before its end: its proposals were sealed for their wait, and have ended.
 * - Pages that become free can be used again: readers that died hold none.
 * - Rows go in small transactions, so that a request in between waits for one of them at most.
 * - A proposal that never ran goes with its nonce and the revocations of its approvals, once
 *   retention is over and each of these approvals has expired. One that ran stays, as its execution
 *   does.
 */

import { findApproval } from "./approvals.ts";
import { refuseFileError } from "./disk/free_space.ts";
import { allUnsettled } from "./executions.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "./parts.ts";
import { findProposal } from "./proposals/find.ts";
import {
  endedUntil,
  OPEN_KEYS,
  proposalIdOf,
  proposalNonceKey,
  proposalPeerKey,
  undeliveredKey,
} from "./proposals/keys.ts";
import { decodeBucket } from "./proposals/rows.ts";
import type { ProposalRecord } from "./proposals/types.ts";
import { approvalKey, bucketOfSealedKey, bucketStart, ownExecutionKey } from "./store/keys.ts";
import { advanceMark } from "./store/state.ts";
import type { Tables } from "./store/table.ts";
import type { PruneReport } from "./types.ts";

const ROWS_PER_TRANSACTION = 128;

/** Prunes one call after the other: two at once would destroy the same key. */
export class Pruner {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly ledger: LedgerParts) {}

  /** Implements Ledger.prune. */
  run(limit: number, force: boolean): Promise<PruneReport> {
    const pruned = this.#last.then(() => prune(this.ledger, limit, force)).catch(refuseFileError);
    this.#last = pruned.catch(() => {});
    return pruned;
  }
}

async function prune(ledger: LedgerParts, limit: number, force: boolean): Promise<PruneReport> {
  ledger.store.forgetDeadReaders();
  const nowMs = await startPruning(ledger, force);
  if (nowMs === null) return { bodies: 0, buckets: 0, done: true };
  ledger.approvals.forgetExpired(nowMs);
  await pruneProposals(ledger, nowMs);
  const buckets = await destroyKeys(ledger, nowMs);
  let bodies = 0;
  for (;;) {
    const wanted = Math.min(ROWS_PER_TRANSACTION, limit - bodies);
    if (wanted <= 0) {
      return { bodies, buckets, done: unreadableRows(ledger, nowMs, 1).length === 0 };
    }
    const removed = await removeRows(ledger, nowMs, wanted);
    bodies += removed;
    if (removed < wanted) return { bodies, buckets, done: true };
  }
}

/** Returns the time to prune by, or null while pruning is paused. */
function startPruning(ledger: LedgerParts, force: boolean): Promise<number | null> {
  return write(ledger, OPERATOR_ATTEMPTS, (state) => {
    const markMs = advanceMark(state, ledger.clock);
    if (force) state.pruningPaused = false;
    return state.pruningPaused ? null : markMs;
  });
}

/** Removes all proposals that may go at `nowMs`, in small transactions. */
async function pruneProposals(ledger: LedgerParts, nowMs: number): Promise<void> {
  const { tables } = ledger;
  for (;;) {
    const due = { ...endedUntil(nowMs), limit: ROWS_PER_TRANSACTION };
    if ([...tables.index.keys({ ...due, limit: 1 })].length === 0) return;
    await write(ledger, OPERATOR_ATTEMPTS, () => {
      for (const key of [...tables.index.keys(due)]) {
        const stored = findProposal(tables, proposalIdOf(key));
        if (stored !== undefined) removeProposal(tables, stored.record);
        tables.index.remove(key);
      }
    });
  }
}

/** Runs inside a transaction. */
function removeProposal(
  tables: Tables,
  { id, nonce, client, peer: { uid }, collected }: ProposalRecord,
): void {
  const key = ownExecutionKey(id);
  for (const { iss, jti } of collected) {
    const approval = approvalKey(iss, jti);
    const { usesTaken, firstExecution } = findApproval(tables, approval);
    if (usesTaken === 0 && firstExecution === key.toHex()) tables.claims.remove(approval);
  }
  tables.proposals.remove(key);
  tables.index.remove(proposalNonceKey(uid, nonce));
  tables.index.remove(proposalPeerKey(uid, key));
  if (client !== null) tables.index.remove(undeliveredKey(uid, client, key));
}

async function destroyKeys({ vault, bodies, tables }: LedgerParts, nowMs: number): Promise<number> {
  let destroyed = 0;
  for (const bucketMs of vault.buckets()) {
    const isKept = bucketMs > nowMs && !isEmpty(tables, bucketMs) ||
      neededBuckets(tables).has(bucketMs);
    if (isKept || bodies.isHeld(bucketMs)) continue;
    await vault.destroy(bucketMs);
    destroyed++;
  }
  return destroyed;
}

/** Whether no row is sealed in that bucket any more: copies of what was may be in free pages. */
function isEmpty({ sealed }: Tables, bucketMs: number): boolean {
  const bucket = { start: bucketStart(bucketMs), end: bucketStart(bucketMs + 1), limit: 1 };
  return [...sealed.keys(bucket)].length === 0;
}

/** Returns the buckets of the requests that still wait, or whose outcome is still open. */
function neededBuckets(tables: Tables): ReadonlySet<number> {
  const proposed = Array.from(tables.index.range(OPEN_KEYS), ({ value }) => decodeBucket(value));
  return new Set([...requestBuckets(tables), ...proposed]);
}

function requestBuckets(tables: Tables): number[] {
  return allUnsettled(tables).map(({ stored }) => stored.requestBucketMs);
}

function removeRows(ledger: LedgerParts, nowMs: number, wanted: number): Promise<number> {
  return write(ledger, OPERATOR_ATTEMPTS, () => {
    const rows = unreadableRows(ledger, nowMs, wanted);
    for (const key of rows) ledger.tables.sealed.remove(key);
    if (rows.length > 0) ledger.store.file();
    return rows.length;
  });
}

/** Returns the keys of at most `wanted` rows that expired and lost their data key, oldest first. */
function unreadableRows(
  { vault, tables }: LedgerParts,
  nowMs: number,
  wanted: number,
): Uint8Array[] {
  const found: Uint8Array[] = [];
  const kept = vault.buckets().filter((bucketMs) => bucketMs <= nowMs);
  let startMs = 0;
  for (const keptMs of [...kept, nowMs + 1]) {
    const range = {
      start: bucketStart(startMs),
      end: bucketStart(keptMs),
      limit: wanted - found.length,
    };
    for (const key of tables.sealed.keys(range)) found.push(key);
    if (found.length >= wanted) break;
    startMs = keptMs + 1;
  }
  return found;
}

/** Returns when the oldest stored body expires or did, in ms since 1970; null if none is stored. */
export function oldestExpiryMs(tables: Tables): number | null {
  const all = { start: bucketStart(0), end: bucketStart(2 ** 48 - 1), limit: 1 };
  const filed = Array.from(tables.sealed.keys(all), bucketOfSealedKey);
  const buckets = [...filed, ...requestBuckets(tables).filter((bucketMs) => bucketMs > 0)];
  return buckets.length === 0 ? null : Math.min(...buckets);
}
