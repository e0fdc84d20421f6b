/** The types of waiting requests, as the ledger takes and gives them. */

import type { Text } from "../../core/bytes.ts";
import type { Retention } from "../../config/config.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { UnstartedEnd } from "../../core/proposal.ts";
import type { Digest, Peer, Signer } from "../../core/types.ts";
import type { SignedReceipt } from "../../log/signed_receipt.ts";

/** An approval's body that was signed by somebody, and by whom so far. */
export interface SignedBody {
  readonly iss: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly signers: readonly Signer[];
}

/** The name of an approval that was signed for this proposal, whether it still counts or not. */
export type Collected = Pick<SignedBody, "iss" | "jti">;

/**
 * One proposal. Everything in it may stay for ever. Times are milliseconds since 1970.
 *
 * `started` is its last status of its own: from then on the execution of the same id says how it
 * goes on.
 */
export interface ProposalRecord {
  /** A UUIDv7, the execution's too. */
  readonly id: string;
  readonly action: string;
  readonly nonce: string;
  /** The process that proposed, as it was then. */
  readonly peer: Peer;
  readonly traceparent: string | null;
  /** A name by which the program that proposed knows itself again; null for none. */
  readonly client: string | null;
  /** Whether its proposer said that the end has reached whom it was for. */
  readonly delivered: boolean;
  readonly status: "pending" | "approved" | "started" | UnstartedEnd;
  /** Why it ended without a run. */
  readonly code: ErrorCode | null;
  readonly requestCommitment: Digest;
  /** Covers handler, permissions, secrets' names and approvals, as reviewers were shown them. */
  readonly shownDigest: Digest;
  readonly proposedAtMs: number;
  readonly expiresAtMs: number;
  /** Its place in the queue for a slot, while it is approved. */
  readonly approvedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Open bodies, one an `iss`, in the order in which they came. */
  readonly bodies: readonly SignedBody[];
  readonly collected: readonly Collected[];
  /** The latest expiry of anything collected, in seconds since 1970; 0 for nothing. */
  readonly collectedUntil: number;
  /** The approver who declined, the peer that withdrew; null where nobody did anything. */
  readonly endedBy: Signer | Peer | null;
  /** The receipt of its end; null for one that started, and where the cap left none. */
  readonly logIndex: number | null;
}

/** The part of a proposal that is kept during its wait, and then during its retention. */
export interface ProposalBody {
  /** RFC 8785 text of {"action","payload"}; empty once it started, as the execution has it. */
  readonly canonical: Text;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** The agent's words; null for none. */
  readonly reason: string | null;
  /** The approver's words; null unless it was declined. */
  readonly declineReason: string | null;
}

export interface NewProposal {
  readonly record: ProposalRecord;
  readonly body: ProposalBody;
}

/** Signatures as they are now, in place of those before. */
export interface Signing {
  readonly id: string;
  readonly status: "pending" | "approved";
  readonly approvedAtMs: number | null;
  readonly bodies: readonly SignedBody[];
  /** The envelopes of these bodies, JSON texts in the same order. */
  readonly envelopes: readonly string[];
  readonly shownDigest: Digest;
}

/** A start, to be stored in the transaction of its reservation. */
export interface Start {
  readonly id: string;
  /** The body that is complete, with its last signature; null in demo mode. */
  readonly body: SignedBody | null;
}

/** An end without a run. */
export interface ProposalEnd {
  readonly id: string;
  readonly status: UnstartedEnd;
  readonly code: ErrorCode;
  readonly endedBy: ProposalRecord["endedBy"];
  readonly declineReason: string | null;
  readonly atMs: number;
  readonly retention: Retention;
  /** null where the cap on refusal receipts leaves none. */
  readonly receipt: SignedReceipt | null;
}

/** Selects proposals, the newest first. */
export interface ProposalFilter {
  /** null: everyone's. */
  readonly uid: number | null;
  /** The id to go on from; null: from the newest. */
  readonly before: string | null;
  readonly limit: number;
}
