/** The receipt of a proposal that ended without a run. */

import type { ErrorCode } from "../core/errors.ts";
import type { Digest, Peer, Signer } from "../core/types.ts";
import { type DecisionReceipt, peerOf, signerOf } from "./receipt.ts";
import { formatTime } from "./time.ts";

/** A proposal that ended without a run. */
export interface Decided {
  readonly proposalId: string;
  readonly action: string;
  readonly nonce: string;
  readonly requestCommitment: Digest;
  /** The proposer. */
  readonly peer: Peer;
  /** The approver who declined, or the peer that withdrew; null where nobody did anything. */
  readonly by: Signer | Peer | null;
  readonly decision: DecisionReceipt["decision"];
  readonly code: ErrorCode;
  /** Null where no reason was given. */
  readonly reasonCommitment: Digest | null;
  readonly proposedAtMs: number;
  readonly atMs: number;
}

export function decisionReceipt(executorId: string, decided: Decided): DecisionReceipt {
  const { by, reasonCommitment } = decided;
  return {
    kind: "decision",
    executor_id: executorId,
    proposal: decided.proposalId,
    action: decided.action,
    nonce: decided.nonce,
    request_commitment: decided.requestCommitment,
    peer: peerOf(decided.peer),
    ...(by === null ? {} : { by: "keyid" in by ? signerOf(by) : peerOf(by) }),
    decision: decided.decision,
    code: decided.code,
    ...(reasonCommitment === null ? {} : { reason_commitment: reasonCommitment }),
    proposed_at: formatTime(decided.proposedAtMs),
    at: formatTime(decided.atMs),
  };
}
