/**
 * Pruning: what has expired becomes unreadable (G9), then its rows go.
 *
 * Invariants:
 * - The key goes first: once it is destroyed no row of its bucket can be read, in any copy. A crash in between leaves
 *   rows without a key, which the next run removes.
 * - A bucket outlives the executions in it that have not settled, since they may have to run again, and whatever is
 *   being sealed for it.
 * - Rows go in small transactions, so that requests in between wait for one of them at most.
 */

import { advanceMark } from "./clock_mark.ts";
import { ByteReader } from "./store/bytes.ts";
import { bucketOfSealedKey, bucketStart, EXECUTION_KEYS } from "./store/keys.ts";
import type { PruneReport } from "./types.ts";
import type { LedgerParts } from "./parts.ts";
import type { Work } from "./store/group_commit.ts";
import { OPERATOR_ATTEMPTS, refusalOfFileError } from "./disk/space.ts";
import type { Vault } from "./vault/keys.ts";

const ROWS_PER_TRANSACTION = 128;

/** Prunes one call after the other: two at once would destroy the same key. */
export class Pruner {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly ledger: LedgerParts, private readonly vault: Vault) {}

  /** Removes at most `limit` bodies; while pruning is paused, nothing, unless `force` ends the pause. */
  run(limit: number, force: boolean): Promise<PruneReport> {
    const pruned = this.#last.then(() => prune(this.ledger, this.vault, limit, force)).catch(
      refusalOfFileError,
    );
    this.#last = pruned.catch(() => {});
    return pruned;
  }
}

async function prune(
  ledger: LedgerParts,
  vault: Vault,
  limit: number,
  force: boolean,
): Promise<PruneReport> {
  const mark: Work<number | null> = (state) => {
    const markMs = advanceMark(state, ledger.clock);
    if (force) state.pruningPaused = false;
    return state.pruningPaused ? null : markMs;
  };
  const nowMs = await ledger.room.insist(OPERATOR_ATTEMPTS, () => ledger.commits.add(mark));
  if (nowMs === null) return { bodies: 0, buckets: 0, done: true };
  ledger.grants.forgetExpired(nowMs);
  const buckets = await destroyKeys(ledger, vault, nowMs);
  let bodies = 0;
  for (;;) {
    const wanted = Math.min(ROWS_PER_TRANSACTION, limit - bodies);
    if (wanted <= 0) {
      return { bodies, buckets, done: unreadableRows(ledger, vault, nowMs, 1).length === 0 };
    }
    const removed = await removeRows(ledger, vault, nowMs, wanted);
    bodies += removed;
    if (removed < wanted) return { bodies, buckets, done: true };
  }
}

async function destroyKeys(ledger: LedgerParts, vault: Vault, nowMs: number): Promise<number> {
  let destroyed = 0;
  for (const bucketMs of vault.buckets()) {
    if (bucketMs > nowMs) break;
    if (ledger.bodies.isHeld(bucketMs) || unsettledBuckets(ledger).has(bucketMs)) continue;
    await vault.destroy(bucketMs);
    destroyed++;
  }
  return destroyed;
}

/** Buckets of the requests whose outcome is still open. */
function unsettledBuckets({ tables }: LedgerParts): ReadonlySet<number> {
  const rows = [...tables.unsettled.range(EXECUTION_KEYS)];
  return new Set(rows.map(({ value }) => new ByteReader(value).u48()));
}

function removeRows(
  ledger: LedgerParts,
  vault: Vault,
  nowMs: number,
  wanted: number,
): Promise<number> {
  const remove: Work<number> = () => {
    const rows = unreadableRows(ledger, vault, nowMs, wanted);
    for (const key of rows) ledger.tables.sealed.remove(key);
    return rows.length;
  };
  return ledger.room.insist(OPERATOR_ATTEMPTS, () => ledger.commits.add(remove));
}

/** Keys of at most `wanted` rows whose bucket has expired and has no key any more, the oldest first. */
function unreadableRows(
  ledger: LedgerParts,
  vault: Vault,
  nowMs: number,
  wanted: number,
): Uint8Array[] {
  const found: Uint8Array[] = [];
  let startMs = 0;
  for (const keptMs of [...vault.buckets().filter((bucketMs) => bucketMs <= nowMs), nowMs + 1]) {
    const range = {
      start: bucketStart(startMs),
      end: bucketStart(keptMs),
      limit: wanted - found.length,
    };
    for (const key of ledger.tables.sealed.keys(range)) found.push(key);
    if (found.length >= wanted) break;
    startMs = keptMs + 1;
  }
  return found;
}

/** When the oldest body still stored expires, or did, in ms since 1970; null when none is. */
export function oldestExpiryMs({ tables }: Pick<LedgerParts, "tables">): number | null {
  for (
    const key of tables.sealed.keys({
      start: bucketStart(0),
      end: bucketStart(2 ** 48 - 1),
      limit: 1,
    })
  ) {
    return bucketOfSealedKey(key);
  }
  return null;
}
