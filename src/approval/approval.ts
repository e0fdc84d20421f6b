/**
 * An approval before it is believed: as it came, what it has to approve, what verification found.
 *
 * Nothing here is trusted. Only approval/verify.ts makes an `Approval`, which may start something.
 */

import type { Requirement, SeatsNeeded } from "../core/approvers_needed.ts";
import type { ApprovalScheme, Digest, Peer, Signer } from "../core/types.ts";
import type { TrustedKey } from "./trust.ts";

/**
 * An approval as the request carried it, and not looked at otherwise. `canonical` is its RFC 8785
 * text, which a strict reader made: no member is there twice, so any parser reads the same value.
 */
export class UnverifiedApproval {
  readonly value: unknown;

  constructor(readonly scheme: ApprovalScheme, readonly canonical: string) {
    this.value = JSON.parse(canonical);
  }
}

/** The request that the approval has to approve. */
export interface ApprovalSubject {
  readonly action: string;
  readonly actionDigest: Digest;
  /** The digest that the legacy scheme signs; null for every other. */
  readonly legacyActionHash: string | null;
  readonly nonce: string;
  readonly peer: Peer;
  /** The handler that will run; for a replay, the one that ran. */
  readonly handlerDigest: Digest;
  /** The approvers that the action asks for, and how strong their keys have to be. */
  readonly needed: SeatsNeeded & { readonly require: Requirement };
  /**
   * Set for a proposal: its approval has to name this nonce, this peer's uid as `sub`, and this
   * handler. They were shown to the approver, and the proposer has no say in them.
   */
  readonly isProposal?: boolean;
}

/** The time an approval is looked at. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /**
   * A replay starts nothing, so issue and expiry do not matter. `ms` is then the time of the
   * original reservation: the keys that counted then are the keys that count.
   */
  readonly isReplay: boolean;
}

/** An approval that passed every check of its scheme. */
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
  /** Distinct approvers who still have to sign; 0 once it may start something. */
  readonly missing: number;
  /** The keys of the signatures that were counted. */
  readonly keys: readonly TrustedKey[];
  /** SHA-256 of the signed bytes, 32 bytes. */
  readonly bodyDigest: Uint8Array;
}
