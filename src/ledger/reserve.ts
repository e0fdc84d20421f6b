/**
 * Reservation: claims nonce, approval and execution in one durable transaction, before anything is
 * started (G1 to G3).
 *
 * Invariant: every check comes before the first write, in the order of core/errors.ts.
 */

import { Refusal } from "../core/errors.ts";
import { refuseFileError } from "./disk/free_space.ts";
import { type LedgerParts, write } from "./parts.ts";
import { nonceKey, ownExecutionKey } from "./store/keys.ts";
import type { LedgerState } from "./store/state.ts";
import type { ExecutionRecord, Reservation } from "./types.ts";
import { type PreparedStart, prepareStart } from "./proposals/end.ts";
import { findProposalByNonce, isWaiting } from "./proposals/find.ts";
import { findUnsettled, fitsBeside, putUnsettled } from "./executions.ts";
import type { SealedBody } from "./vault/bodies.ts";

/** The bodies that are sealed before the transaction of a reservation. */
interface Sealed {
  readonly request: SealedBody | null;
  readonly binding: SealedBody | null;
}

const NO_START: PreparedStart = { check: () => {}, store: () => {}, release: () => {} };

/** Implements Ledger.reserve. */
export async function reserve(
  ledger: LedgerParts,
  reservation: Reservation,
): Promise<ExecutionRecord> {
  const endAdmission = ledger.space.admitReservation(reservation.body.canonical.length);
  try {
    return await sealAndClaim(ledger, reservation);
  } finally {
    endAdmission();
  }
}

async function sealAndClaim(
  ledger: LedgerParts,
  reservation: Reservation,
): Promise<ExecutionRecord> {
  const id = ownExecutionKey(reservation.record.id);
  const { start, retention: { payloadMs } } = reservation;
  const started = start === null ? NO_START : await prepareStart(ledger, start, payloadMs);
  try {
    const sealed = await sealAll(ledger, id, reservation);
    try {
      return await write(
        ledger,
        1,
        (state, nowMs) => claimAll(ledger, id, reservation, { ...sealed, started }, state, nowMs),
      );
    } finally {
      sealed.request?.release();
      sealed.binding?.release();
    }
  } finally {
    started.release();
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
    .catch(refuseFileError);
  if (claim === null || claim.uses === 1) return { request, binding: null };
  try {
    const binding = await ledger.approvals.sealBinding(claim, nowMs, retention.payloadMs);
    return { request, binding };
  } catch (error) {
    request?.release();
    return refuseFileError(error);
  }
}

/** Runs inside a transaction. */
function claimAll(
  ledger: LedgerParts,
  id: Uint8Array,
  { record, claim, recheck, start }: Reservation,
  { request, binding, started }: Sealed & { readonly started: PreparedStart },
  state: LedgerState,
  nowMs: number,
): ExecutionRecord {
  const { tables, approvals, bodies } = ledger;
  const nonce = nonceKey(record.nonce);
  if (claim === null && record.mode !== "demo") {
    throw new RangeError("outside demo mode nothing is reserved without an approval");
  }
  if (state.halted) throw new Refusal("halted");
  started.check(state, nowMs);
  recheck(nowMs);
  if (start === null) refuseProposed(ledger, record);
  if (tables.claims.has(nonce)) throw new Refusal("nonce_reused");
  const use = claim === null ? null : approvals.takeUse(claim, id, state);
  if (tables.executions.has(id) || findUnsettled(tables, id) !== undefined) {
    throw new RangeError("an execution of that id is there already");
  }

  const reserved: ExecutionRecord = { ...record, status: "reserved", reservedAtMs: nowMs };
  const requestBucketMs = request?.bucketMs ?? 0;
  tables.claims.insert(nonce, id);
  if (use !== null) approvals.store(use, binding);
  const stored = { record: reserved, requestBucketMs, resultBucketMs: 0 };
  const isBeside = request !== null && fitsBeside(request.bytes);
  putUnsettled(tables, id, { stored, request: isBeside ? request.bytes : null });
  if (!isBeside) bodies.store(request);
  started.store(nowMs);
  state.executions++;
  state.unsettled++;
  return reserved;
}

/** A nonce that this peer proposed under is the proposal's: only its own start may claim it. */
function refuseProposed({ tables }: LedgerParts, { peer, nonce }: Reservation["record"]): void {
  const proposal = findProposalByNonce(tables, peer.uid, nonce)?.record;
  if (proposal === undefined) return;
  throw new Refusal(isWaiting(proposal) ? "execution_in_flight" : "nonce_reused");
}
