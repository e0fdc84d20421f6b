/**
 * An approval on its way to being believed: as it came, what it is asked for, and what verification found in it.
 *
 * Nothing here is trusted. An `Approval`, which may start something, is made by approval/verify.ts alone.
 */

import type { JsonNode } from "../core/json.ts";
import type { ApprovalScheme, Digest, Peer, Signer } from "../core/types.ts";
import type { TrustedKey } from "./trust.ts";

/** An approval as the request carried it: parsed as JSON, and nothing more is known of it. */
export class UnverifiedApproval {
  constructor(readonly scheme: ApprovalScheme, readonly node: JsonNode) {}
}

/** What the approval has to approve. */
export interface ApprovalSubject {
  readonly action: string;
  readonly actionDigest: Digest;
  /** As it was written: the legacy scheme's hash tells 1 from 1.0. */
  readonly payload: JsonNode;
  readonly nonce: string;
  readonly peer: Peer;
  /** Of the handler that will run; for a replay, of the one that ran. */
  readonly handlerDigest: Digest;
  /** Distinct approvers that the action asks for. */
  readonly approvalsNeeded: number;
}

/** The time an approval is looked at. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /**
   * A replay starts nothing: issue and expiry are not looked at, and `ms` is the time of the original reservation, so
   * that the keys which counted then are the keys which count.
   */
  readonly isReplay: boolean;
}

/** What passed every check of one scheme. */
export interface Verified {
  readonly iss: string;
  readonly jti: string;
  readonly uses: number;
  /** Milliseconds since 1970; valid from (inclusive) and until (exclusive). */
  readonly validFromMs: number;
  readonly expiresAtMs: number;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly signers: readonly Signer[];
  /** The keys behind the signatures that were counted. */
  readonly keys: readonly TrustedKey[];
  /** 32 bytes: SHA-256 of what was signed. */
  readonly bodyDigest: Uint8Array;
}
