/**
 * Settlement: stores outcome, receipt, log leaf, and sealed the result or the reason of a failure,
 * in one durable transaction (G8).
 *
 * Invariants:
 * - An execution settles once. A full disk is waited out: something has happened that must be
 *   written down, and space is held back for it (disk/space.ts).
 * - The outcome is stored even if result or reason cannot be sealed, as when the vault takes no new
 *   key. Receipt and commitment stand, this answer still has the body, later ones show it as
 *   pruned, and `onUnstored` is called.
 */

import { Refusal } from "../core/errors.ts";
import { isDiskFull } from "./disk/free_space.ts";
import { appendReceipt } from "./log.ts";
import type { LedgerParts } from "./parts.ts";
import { damaged } from "./store/bytes.ts";
import { ownExecutionKey } from "./store/keys.ts";
import type { LedgerState } from "./store/state.ts";
import type { ExecutionRecord, Settlement } from "./types.ts";
import { file, findUnsettled } from "./executions.ts";
import type { SealedBody } from "./vault/bodies.ts";

/** Implements Ledger.settle. */
export function settle(
  ledger: LedgerParts,
  settlement: Settlement,
  attempts = Infinity,
): Promise<ExecutionRecord> {
  // the key of a result may not fit on the disk either: every attempt seals anew
  return ledger.space.retryWhileFull(attempts, () => sealAndClose(ledger, settlement));
}

async function sealAndClose(
  ledger: LedgerParts,
  settlement: Settlement,
): Promise<ExecutionRecord> {
  const id = ownExecutionKey(settlement.id);
  const { body, failure } = await sealBody(ledger, id, settlement);
  try {
    const record = await ledger.commits.add((state) => close(ledger, id, settlement, body, state));
    if (failure !== null) settlement.onUnstored?.(failure.cause);
    return record;
  } finally {
    body?.release();
  }
}

interface Sealed {
  /** null if there is nothing to store, or it cannot be stored. */
  readonly body: SealedBody | null;
  readonly failure: { readonly cause: unknown } | null;
}

/** Throws storage_full. */
async function sealBody(
  { bodies, clock }: LedgerParts,
  id: Uint8Array,
  { result, reason, retention: { resultMs } }: Settlement,
): Promise<Sealed> {
  const nowMs = clock.nowMs();
  try {
    const body = result !== null
      ? await bodies.sealResult(id, result, nowMs, resultMs)
      : reason !== null
      ? await bodies.sealReason(id, reason, nowMs, resultMs)
      : null;
    return { body, failure: null };
  } catch (cause) {
    if (isDiskFull(cause)) throw new Refusal("storage_full");
    return { body: null, failure: { cause } };
  }
}

/** Runs inside a transaction. */
function close(
  { tables, bodies }: LedgerParts,
  id: Uint8Array,
  settlement: Settlement,
  body: SealedBody | null,
  state: LedgerState,
): ExecutionRecord {
  if (tables.executions.has(id)) throw new RangeError("an execution settles once");
  const unsettled = findUnsettled(tables, id);
  if (unsettled === undefined) throw damaged();
  const { stored } = unsettled;

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
  const resultBucketMs = body?.bucketMs ?? 0;
  file(tables, id, unsettled, { ...stored, record, resultBucketMs });
  bodies.store(body);
  state.unsettled--;
  return record;
}
