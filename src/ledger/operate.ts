/** What operators do to the ledger, each act with its receipt in the same transaction. */

import { Refusal } from "../core/errors.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import type { Work } from "./store/group_commit.ts";
import { OPERATOR_ATTEMPTS } from "./disk/space.ts";
import { appendReceipt } from "./log.ts";
import { decodeApproval, encodeApproval, UNSEEN } from "./approvals.ts";
import { approvalKey, executionKey } from "./store/keys.ts";
import type { ExecutionRecord } from "./types.ts";
import type { LedgerParts } from "./parts.ts";
import { decodeExecution, encodeExecution } from "./store/rows.ts";

const RESOLVABLE: ReadonlySet<string> = new Set(["crashed", "timed_out", "outcome_unknown"]);

/** Throws execution_not_found, not_resolvable. */
export function resolve(
  { tables, commits, room }: LedgerParts,
  id: string,
  as: "succeeded" | "failed",
  receipt: SignedReceipt,
): Promise<ExecutionRecord> {
  const declare: Work<ExecutionRecord> = (state) => {
    const key = executionKey(id);
    const row = key === undefined ? undefined : tables.executions.get(key);
    if (key === undefined || row === undefined) throw new Refusal("execution_not_found");
    const stored = decodeExecution(id, row);
    const from = stored.record.status;
    if (stored.record.resolution !== null || !RESOLVABLE.has(from)) {
      throw new Refusal("not_resolvable");
    }

    const logIndex = appendReceipt(tables, state, receipt);
    const code = as === "succeeded" ? null : "handler_failed";
    const record: ExecutionRecord = {
      ...stored.record,
      status: as,
      code,
      resolution: { from, logIndex },
    };
    tables.executions.put(key, encodeExecution({ ...stored, record }));
    return record;
  };
  return room.insist(OPERATOR_ATTEMPTS, () => commits.add(declare));
}

/** Also before the approval is first seen; a second revocation keeps the time of the first. */
export function revoke(
  { tables, commits, room }: LedgerParts,
  iss: string,
  jti: string,
  receipt: SignedReceipt,
): Promise<void> {
  const withdraw: Work<void> = (state, nowMs) => {
    const key = approvalKey(iss, jti);
    const stored = tables.approvals.get(key);
    const known = stored === undefined ? UNSEEN : decodeApproval(stored);
    const revokedAtMs = known.revokedAtMs === 0 ? nowMs : known.revokedAtMs;
    appendReceipt(tables, state, receipt);
    tables.approvals.put(key, encodeApproval({ ...known, revokedAtMs }));
  };
  return room.insist(OPERATOR_ATTEMPTS, () => commits.add(withdraw));
}

/** Survives restarts until it is set again. */
export function setHalted(
  { tables, commits, room }: LedgerParts,
  halted: boolean,
  receipt: SignedReceipt,
): Promise<void> {
  const order: Work<void> = (state) => {
    appendReceipt(tables, state, receipt);
    state.halted = halted;
  };
  return room.insist(OPERATOR_ATTEMPTS, () => commits.add(order));
}
