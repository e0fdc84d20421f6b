/**
 * Ends proposals: by a start, which makes one an execution, or without a run. Each end is one
 * transaction with the receipt that tells of it.
 *
 * Invariants:
 * - The transaction of an end revokes every approval that was collected and not used, so that none
 *   can start anything afterwards.
 * - A revocation made here names the proposal (`firstExecution`). It goes when the proposal's row
 *   goes, which is not before each of these approvals has expired.
 * - Retention counts from the end: the body is sealed anew, and its row of the wait is removed.
 *
 * A restore ends what a copy still has waiting: it cannot know whether it ran after the copy was
 * made. Only a daemon has the key that signs receipts. So a restore leaves these ends without one,
 * listed as owed, and the next daemon appends their receipts in the transaction that takes them off
 * the list.
 */

import { Refusal } from "../../core/errors.ts";
import type { SignedReceipt } from "../../log/signed_receipt.ts";
import { findApproval } from "../approvals.ts";
import { refuseFileError } from "../disk/free_space.ts";
import { appendReceipt } from "../log.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "../parts.ts";
import { approvalKey, ownExecutionKey, sealedKey } from "../store/keys.ts";
import { encodeApproval } from "../store/rows.ts";
import type { LedgerState } from "../store/state.ts";
import type { Tables } from "../store/table.ts";
import type { SealedBody } from "../vault/bodies.ts";
import { findProposal, openBody, owed, waiting } from "./find.ts";
import { endedKey, openKey, owedKey } from "./keys.ts";
import { requireWaiting, withSignatures } from "./propose.ts";
import { encodeBody, encodeProposal, type StoredProposal } from "./rows.ts";
import type { ProposalBody, ProposalEnd, ProposalRecord, Start } from "./types.ts";

/** An end stays readable at least so long, whatever retention says: its proposer may be away. */
const KEPT_MS_MIN = 3_600_000;

/** Throws proposal_over, storage_full, ledger_unavailable. */
export async function end(ledger: LedgerParts, ending: ProposalEnd): Promise<ProposalRecord> {
  const { tables, bodies } = ledger;
  const waiting = requireWaiting(tables, ending.id);
  const body = openBody(bodies, waiting);
  const sealed = body === undefined
    ? null
    : await sealFor(ledger, ending.id, { ...body, declineReason: ending.declineReason }, ending);
  try {
    return await write(ledger, OPERATOR_ATTEMPTS, (state) => {
      const stored = requireWaiting(tables, ending.id);
      const { receipt, status, code, endedBy, atMs } = ending;
      const logIndex = receipt === null ? null : appendReceipt(tables, state, receipt);
      const ended = { ...stored.record, status, code, endedBy, endedAtMs: atMs, logIndex };
      const { payloadMs, resultMs } = ending.retention;
      const keptMs = Math.max(KEPT_MS_MIN, payloadMs ?? 0, resultMs ?? 0);
      const keptUntilMs = Math.max(atMs + keptMs, ended.collectedUntil * 1000);
      const record = { ...ended, approvedAtMs: null, bodies: [] };
      close(tables, stored, { record, sealed, keptUntilMs, nowMs: atMs });
      return record;
    });
  } finally {
    sealed?.release();
  }
}

/** The start's own checks and writes: call `store` only after every check of the transaction. */
export interface PreparedStart {
  /** Throws proposal_over, proposal_expired. */
  check(state: LedgerState, nowMs: number): void;
  store(nowMs: number): void;
  release(): void;
}

/** Seals what stays of the proposal beside its execution: the agent's words. */
export async function prepareStart(
  ledger: LedgerParts,
  { id, body }: Start,
  payloadMs: number | null,
): Promise<PreparedStart> {
  const { tables, bodies } = ledger;
  const proposed = openBody(bodies, requireWaiting(tables, id));
  const words = proposed === undefined || proposed.reason === null
    ? null
    : await sealFor(ledger, id, { ...proposed, canonical: "" }, { retention: { payloadMs } });
  return {
    check: ({ pruningPaused }, nowMs) => {
      const { expiresAtMs } = requireWaiting(tables, id).record;
      // a clock that jumped is not believed (engine/proposals/rules.ts)
      if (nowMs >= expiresAtMs && !pruningPaused) throw new Refusal("proposal_expired");
    },
    store: (nowMs) => {
      const stored = requireWaiting(tables, id);
      const { shownDigest } = stored.record;
      const approved = { status: "approved" as const, approvedAtMs: null, shownDigest };
      const signed = withSignatures(stored.record, {
        ...approved,
        bodies: body === null ? [] : [body],
      });
      const record = { ...signed, status: "started" as const };
      close(tables, stored, { record, sealed: words, keptUntilMs: 0, nowMs });
    },
    release: () => words?.release(),
  };
}

async function sealFor(
  { bodies, clock }: LedgerParts,
  id: string,
  body: ProposalBody,
  { retention }: { readonly retention: { readonly payloadMs: number | null } },
): Promise<SealedBody | null> {
  const key = ownExecutionKey(id);
  return await bodies.seal("proposal", key, encodeBody(body), clock.nowMs(), retention.payloadMs)
    .catch(refuseFileError);
}

interface Closing {
  readonly record: ProposalRecord;
  readonly sealed: SealedBody | null;
  /** 0: for ever. */
  readonly keptUntilMs: number;
  readonly nowMs: number;
}

/** Runs inside a transaction: takes a proposal out of those that wait. */
function close(
  tables: Tables,
  stored: StoredProposal,
  { record, sealed, keptUntilMs, nowMs }: Closing,
): void {
  const id = ownExecutionKey(record.id);
  tables.sealed.remove(sealedKey(stored.bodyBucketMs, "proposal", id));
  if (stored.signaturesBucketMs !== 0) {
    tables.sealed.remove(sealedKey(stored.signaturesBucketMs, "signatures", id));
  }
  if (sealed !== null) tables.sealed.put(sealed.row, sealed.bytes);
  revokeCollected(tables, record, id, nowMs);
  const bodyBucketMs = sealed?.bucketMs ?? 0;
  tables.proposals.put(
    id,
    encodeProposal({ record, bodyBucketMs, signaturesBucketMs: 0, keptUntilMs }),
  );
  tables.index.remove(openKey(id));
  if (keptUntilMs > 0) tables.index.put(endedKey(keptUntilMs, id), new Uint8Array());
}

/** An approval that was used, or that an operator revoked, is left as it is. */
function revokeCollected(
  tables: Tables,
  { collected }: ProposalRecord,
  id: Uint8Array,
  nowMs: number,
): void {
  for (const { iss, jti } of collected) {
    const key = approvalKey(iss, jti);
    const known = findApproval(tables, key);
    if (known.usesTaken > 0 || known.revokedAtMs > 0) continue;
    const revoked = { ...known, revokedAtMs: nowMs, firstExecution: id.toHex() };
    tables.claims.put(key, encodeApproval(revoked));
  }
}

/** Runs inside the transaction of a restore. Their nonces never start anything: they stay. */
export function endRestored(tables: Tables, nowMs: number): void {
  for (const stored of waiting(tables)) {
    const record: ProposalRecord = {
      ...stored.record,
      status: "refused",
      code: "approval_fenced",
      endedAtMs: nowMs,
      approvedAtMs: null,
      bodies: [],
    };
    close(tables, stored, { record, sealed: null, keptUntilMs: 0, nowMs });
    tables.index.put(owedKey(ownExecutionKey(record.id)), new Uint8Array());
  }
}

/** Appends the receipt of each end that a restore left without one. */
export async function recordOwed(
  ledger: LedgerParts,
  receiptOf: (record: ProposalRecord) => SignedReceipt,
): Promise<void> {
  const { tables } = ledger;
  const missing = owed(tables).map(({ record }) => ({ id: record.id, receipt: receiptOf(record) }));
  if (missing.length === 0) return;
  await write(ledger, OPERATOR_ATTEMPTS, (state) => {
    for (const { id, receipt } of missing) {
      const stored = findProposal(tables, id);
      if (stored === undefined || stored.record.logIndex !== null) continue;
      const key = ownExecutionKey(id);
      const logIndex = appendReceipt(tables, state, receipt);
      const record = { ...stored.record, logIndex };
      tables.proposals.put(key, encodeProposal({ ...stored, record }));
      tables.index.remove(owedKey(key));
    }
  });
}
