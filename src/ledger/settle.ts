/**
 * Settlement: outcome, sealed result, receipt and log leaf in one durable transaction (G8).
 *
 * Invariant: an execution settles once. A full disk is waited out, since something has happened that must be written
 * down; space is held back for it (ballast.ts).
 */

import { appendReceipt } from "./append.ts";
import { damaged } from "./bytes.ts";
import type { ExecutionRecord, Settlement } from "./ledger.ts";
import { type LedgerParts, ownExecutionKey } from "./parts.ts";
import { decodeExecution, encodeExecution } from "./records.ts";
import { refusalOfFileError } from "./room.ts";
import type { SealedBody } from "./sealed_bodies.ts";
import type { LedgerState } from "./state.ts";

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
  const nowMs = ledger.clock.nowMs();
  const { result, retention } = settlement;
  const sealed = result === null
    ? null
    : await ledger.bodies.sealResult(id, result, nowMs, retention.resultMs).catch(refusalOfFileError);
  try {
    return await ledger.commits.add((state) => close(ledger, id, settlement, sealed, state));
  } finally {
    sealed?.release();
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
  const record = { ...stored.record, status, code, startedAtMs, settledAtMs, resultCommitment, logIndex };
  tables.executions.put(id, encodeExecution({ ...stored, record, resultBucketMs: result?.bucketMs ?? 0 }));
  tables.unsettled.remove(id);
  bodies.store(result);
  state.unsettled--;
  return record;
}
