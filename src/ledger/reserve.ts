/**
 * Reservation: nonce, approval and execution claimed in one durable transaction, before anything is started (G1 to G3).
 *
 * Invariant: every check comes before the first write, in the order of core/errors.ts.
 */

import { Refusal } from "../core/errors.ts";
import { type ApprovalRow, decodeApproval, encodeApproval, takeUse, UNSEEN } from "./approvals.ts";
import { ByteWriter } from "./store/bytes.ts";
import { approvalKey, nonceKey, peerKey } from "./store/keys.ts";
import type { ApprovalClaim, ExecutionRecord, Reservation } from "./types.ts";
import { type LedgerParts, ownExecutionKey } from "./parts.ts";
import { encodeExecution } from "./store/rows.ts";
import { refusalOfFileError } from "./disk/space.ts";
import type { SealedBody } from "./vault/bodies.ts";
import type { LedgerState } from "./store/state.ts";

/** The value of a row that says all in its key. */
const NOTHING = new Uint8Array();

/** What was sealed for a reservation before its transaction. */
interface Sealed {
  readonly request: SealedBody | null;
  readonly binding: SealedBody | null;
}

/** Throws what Ledger.reserve names. */
export async function reserve(
  ledger: LedgerParts,
  reservation: Reservation,
): Promise<ExecutionRecord> {
  const admissionEnded = ledger.room.admitReservation(reservation.body.canonical.length);
  try {
    return await sealAndClaim(ledger, reservation);
  } finally {
    admissionEnded();
  }
}

async function sealAndClaim(
  ledger: LedgerParts,
  reservation: Reservation,
): Promise<ExecutionRecord> {
  const id = ownExecutionKey(reservation.record.id);
  const sealed = await sealAll(ledger, id, reservation);
  try {
    return await ledger.room.insist(
      1,
      () =>
        ledger.commits.add((state, nowMs) => claim(ledger, id, reservation, sealed, state, nowMs)),
    );
  } finally {
    sealed.request?.release();
    sealed.binding?.release();
  }
}

async function sealAll(
  ledger: LedgerParts,
  id: Uint8Array,
  reservation: Reservation,
): Promise<Sealed> {
  const { body, claim, retention } = reservation;
  const nowMs = ledger.clock.nowMs();
  const request = await ledger.bodies.sealRequest(id, body, nowMs, retention.payloadMs)
    .catch(refusalOfFileError);
  if (claim === null || claim.uses === 1) return { request, binding: null };
  try {
    const key = approvalKey(claim.iss, claim.jti);
    return { request, binding: await ledger.grants.seal(key, claim, nowMs, retention.payloadMs) };
  } catch (error) {
    request?.release();
    return refusalOfFileError(error);
  }
}

/** Runs inside a transaction. */
function claim(
  ledger: LedgerParts,
  id: Uint8Array,
  { record, claim, recheck }: Reservation,
  { request, binding }: Sealed,
  state: LedgerState,
  nowMs: number,
): ExecutionRecord {
  const { tables } = ledger;
  const nonce = nonceKey(record.nonce);
  if (state.halted) throw new Refusal("halted");
  recheck(nowMs);
  if (tables.nonces.has(nonce)) throw new Refusal("nonce_reused");
  const use = claim === null ? null : useOf(ledger, id, claim, state);

  const reserved: ExecutionRecord = { ...record, status: "reserved", reservedAtMs: nowMs };
  const requestBucketMs = request?.bucketMs ?? 0;
  tables.nonces.insert(nonce, id);
  if (claim !== null && use !== null) {
    tables.approvals.put(
      use.key,
      encodeApproval(ledger.grants.bind(use.key, use.row, claim, binding)),
    );
  }
  tables.executions.insert(
    id,
    encodeExecution({ record: reserved, requestBucketMs, resultBucketMs: 0 }),
  );
  tables.peers.insert(peerKey(record.peer.uid, id), NOTHING);
  tables.unsettled.insert(id, new ByteWriter(6).u48(requestBucketMs).finish());
  ledger.bodies.store(request);
  state.executions++;
  state.unsettled++;
  return reserved;
}

function useOf(
  ledger: LedgerParts,
  execution: Uint8Array,
  claim: ApprovalClaim,
  state: LedgerState,
): { key: Uint8Array; row: ApprovalRow } {
  const key = approvalKey(claim.iss, claim.jti);
  const stored = ledger.tables.approvals.get(key);
  const known = stored === undefined ? UNSEEN : decodeApproval(stored);
  return {
    key,
    row: takeUse(known, claim, execution, state, (row) => ledger.grants.boundTo(key, row)),
  };
}
