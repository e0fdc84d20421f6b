/** Ends a proposal that has not started: what is written, and who is told. */

import type { ErrorCode } from "../../core/errors.ts";
import type { UnstartedEnd } from "../../core/proposal.ts";
import { digestOf } from "../../core/sha.ts";
import { utf8Encode } from "../../core/bytes.ts";
import type { Digest, Peer, Signer } from "../../core/types.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { decisionReceipt } from "../../log/decision_receipt.ts";
import { commitment } from "../../log/receipt.ts";
import type { SignedReceipt } from "../../log/signed_receipt.ts";
import { retentionOf } from "../runs.ts";
import type { EngineParts } from "../types.ts";
import type { Waiting } from "./waiting.ts";

export interface Ending {
  readonly status: UnstartedEnd;
  readonly code: ErrorCode;
  readonly by: Signer | Peer | null;
  /** The approver's words; null unless it was declined. */
  readonly reason: string | null;
}

export const EXPIRED: Ending = {
  status: "expired",
  code: "proposal_expired",
  by: null,
  reason: null,
};

/** Agents can make as many of these ends as they like: the cap of refusals holds for them too. */
const CAPPED: ReadonlySet<UnstartedEnd> = new Set(["withdrawn", "expired"]);

/** Call it in the proposal's turn. Throws a Refusal: proposal_over, and those of the ledger. */
export async function endProposal(
  { id }: ProposalRecord,
  ending: Ending,
  waiting: Waiting,
  parts: EngineParts,
): Promise<ProposalRecord> {
  const record = waiting.current(id);
  const { ledger, clock, config, refusals } = parts;
  const { status, code, by, reason } = ending;
  const body = ledger.proposals.openBody(id);
  const atMs = clock.nowMs();
  const hasPlace = !CAPPED.has(status) || refusals.takePlace(code, record.peer.uid);
  const ended = await ledger.proposals.end({
    id,
    status,
    code,
    endedBy: by,
    declineReason: reason,
    atMs,
    retention: retentionOf(record.action, config),
    receipt: hasPlace ? receiptOf(record, ending, body?.salt ?? null, atMs, parts) : null,
  });
  if (status === "declined" && body !== undefined) {
    waiting.room.declined(record.peer.uid, body.canonical, atMs);
  }
  waiting.leave(ended, status);
  return ended;
}

function receiptOf(
  record: ProposalRecord,
  { status, code, by, reason }: Ending,
  salt: Uint8Array | null,
  atMs: number,
  { ledger, sign }: Pick<EngineParts, "ledger" | "sign">,
): SignedReceipt {
  return sign(decisionReceipt(ledger.executorId, {
    proposalId: record.id,
    action: record.action,
    nonce: record.nonce,
    requestCommitment: record.requestCommitment,
    peer: record.peer,
    by,
    decision: status,
    code,
    reasonCommitment: reason === null || salt === null ? null : reasonCommitment(salt, reason),
    proposedAtMs: record.proposedAtMs,
    atMs,
  }));
}

/** The salt of the request salts the reason too: both are sealed together. */
function reasonCommitment(salt: Uint8Array, reason: string): Digest {
  return commitment(salt, digestOf(utf8Encode(reason)));
}

/** The receipt of a proposal that a restore ended. */
export function restoredReceipt(
  record: ProposalRecord,
  parts: Pick<EngineParts, "ledger" | "sign">,
): SignedReceipt {
  const ending = { status: "refused", code: "approval_fenced", by: null, reason: null } as const;
  return receiptOf(record, ending, null, record.endedAtMs ?? record.proposedAtMs, parts);
}
