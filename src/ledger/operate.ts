/**
 * Operators' acts on the ledger, and the receipt that a restore owes the log. Each act has its
 * receipt in the same transaction.
 *
 * Only a daemon has the key that signs receipts. So a restore leaves a note in the ledger, and the
 * next daemon exchanges it for a receipt. One transaction does both: a restore leaves one receipt,
 * whenever that daemon dies.
 */

import { utf8Encode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { findApproval } from "./approvals.ts";
import { findExecution } from "./executions.ts";
import { appendReceipt } from "./log.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "./parts.ts";
import { ByteReader, ByteWriter } from "./store/bytes.ts";
import { approvalKey, executionKey } from "./store/keys.ts";
import { encodeApproval, encodeExecution, UNSEEN } from "./store/rows.ts";
import { readState } from "./store/state.ts";
import type { Tables } from "./store/table.ts";
import type { ExecutionRecord, Restoration } from "./types.ts";

const RESOLVABLE: ReadonlySet<string> = new Set(["crashed", "timed_out", "outcome_unknown"]);
const NOTE_KEY = utf8Encode("restored");

/** Throws execution_not_found, not_resolvable. */
export function resolve(
  ledger: LedgerParts,
  id: string,
  as: "succeeded" | "failed",
  receipt: SignedReceipt,
): Promise<ExecutionRecord> {
  const { executions } = ledger.tables;
  return write(ledger, OPERATOR_ATTEMPTS, (state) => {
    const key = executionKey(id);
    const stored = findExecution(ledger.tables, id);
    if (key === undefined || stored === undefined) throw new Refusal("execution_not_found");
    const from = stored.record.status;
    if (stored.record.resolution !== null || !RESOLVABLE.has(from)) {
      throw new Refusal("not_resolvable");
    }

    const logIndex = appendReceipt(ledger.tables, state, receipt);
    const record: ExecutionRecord = {
      ...stored.record,
      status: as,
      code: as === "succeeded" ? null : "handler_failed",
      resolution: { from, logIndex },
    };
    executions.put(key, encodeExecution({ ...stored, record }));
    return record;
  });
}

/** Works before the approval is first seen, too. A second revocation keeps the first one's time. */
export function revoke(
  ledger: LedgerParts,
  iss: string,
  jti: string,
  receipt: SignedReceipt,
): Promise<void> {
  return write(ledger, OPERATOR_ATTEMPTS, (state, nowMs) => {
    const key = approvalKey(iss, jti);
    const known = findApproval(ledger.tables, key);
    const revokedAtMs = known.revokedAtMs === 0 ? nowMs : known.revokedAtMs;
    appendReceipt(ledger.tables, state, receipt);
    // an operator's revocation is for ever: that of a proposal's end goes with the proposal
    const { firstExecution } = known.usesTaken === 0 ? UNSEEN : known;
    ledger.tables.claims.put(key, encodeApproval({ ...known, revokedAtMs, firstExecution }));
  });
}

/** Lasts until it is set again, over restarts. */
export function setHalted(
  ledger: LedgerParts,
  halted: boolean,
  receipt: SignedReceipt,
): Promise<void> {
  return write(ledger, OPERATOR_ATTEMPTS, (state) => {
    appendReceipt(ledger.tables, state, receipt);
    state.halted = halted;
  });
}

/** Runs inside the transaction that sets the fence. */
export function noteRestore({ meta }: Tables, atMs: number): void {
  meta.put(NOTE_KEY, new ByteWriter(6).u48(atMs).finish());
}

/** Returns null if there was no restore, or it has its receipt. */
export function unrecordedRestore(tables: Tables): Restoration | null {
  const note = tables.meta.get(NOTE_KEY);
  if (note === undefined) return null;
  const reader = new ByteReader(note);
  const atMs = reader.u48();
  reader.end();
  return { atMs, fenceSeconds: readState(tables).fenceSeconds };
}

export function recordRestore(ledger: LedgerParts, receipt: SignedReceipt): Promise<void> {
  return write(ledger, OPERATOR_ATTEMPTS, (state) => {
    appendReceipt(ledger.tables, state, receipt);
    ledger.tables.meta.remove(NOTE_KEY);
  });
}
