/**
 * Settlement: outcome, sealed result, receipt and log leaf in one durable transaction (G8).
 *
 * Invariants:
 * - An execution settles once. A full disk is waited out, since something has happened that must be written down; space is
 *   held back for it (ballast.ts).
 * - A result that cannot be sealed for any other reason, as where the vault takes no new key, is not stored, and the outcome
 *   is: receipt and commitment stand, this answer still has the result, and later ones show it as pruned.
 */

import { Refusal } from "../core/errors.ts";
import { appendReceipt } from "./log.ts";
import { damaged } from "./store/bytes.ts";
import { isDiskFull } from "./disk/free_space.ts";
import type { ExecutionRecord, Settlement } from "./types.ts";
import { type LedgerParts, ownExecutionKey } from "./parts.ts";
import { decodeExecution, encodeExecution } from "./store/rows.ts";
import type { SealedBody } from "./vault/bodies.ts";
import type { LedgerState } from "./store/state.ts";

/** Throws ledger_unavailable when the outcome cannot be written before a restart. */
export function settle(
  ledger: LedgerParts,
  settlement: Settlement,
  attempts = Infinity,
): Promise<ExecutionRecord> {
  return ledger.room.insist(attempts, () => settleOnce(ledger, settlement));
}

async function settleOnce(ledger: LedgerParts, settlement: Settlement): Promise<ExecutionRecord> {
  const id = ownExecutionKey(settlement.id);
  const sealed = await sealResult(ledger, id, settlement);
  try {
    return await ledger.commits.add((state) => close(ledger, id, settlement, sealed, state));
  } finally {
    sealed?.release();
  }
}

/** null where there is none to store, or it cannot be. Throws storage_full. */
async function sealResult(
  { bodies, clock }: LedgerParts,
  id: Uint8Array,
  { result, retention }: Settlement,
): Promise<SealedBody | null> {
  if (result === null) return null;
  try {
    return await bodies.sealResult(id, result, clock.nowMs(), retention.resultMs);
  } catch (error) {
    if (isDiskFull(error)) throw new Refusal("storage_full");
    return null;
  }
}

/** Runs inside a transaction. */
function close(
  { tables, bodies }: LedgerParts,
  id: Uint8Array,
  settlement: Settlement,
  result: SealedBody | null,
  state: LedgerState,
): ExecutionRecord {
  const row = tables.executions.get(id);
  if (row === undefined) throw damaged();
  const stored = decodeExecution(settlement.id, row);
  if (stored.record.status !== "reserved") throw new RangeError("an execution settles once");

  const { status, code, startedAtMs, settledAtMs, resultCommitment } = settlement;
  const logIndex = appendReceipt(tables, state, settlement.receipt);
  const record = {
    ...stored.record,
    status,
    code,
    startedAtMs,
    settledAtMs,
    resultCommitment,
    logIndex,
  };
  tables.executions.put(
    id,
    encodeExecution({ ...stored, record, resultBucketMs: result?.bucketMs ?? 0 }),
  );
  tables.unsettled.remove(id);
  bodies.store(result);
  state.unsettled--;
  return record;
}
