/**
 * The one door from an unverified approval to an `Approval`, which may start executions.
 *
 * Invariant: only this file can make an `Approval`. The class is not exported, and its private
 * fields keep any other object from passing for one.
 */

import { Refusal } from "../core/errors.ts";
import type { ApprovalReference, ApprovalScheme, Signer } from "../core/types.ts";
import type { ApprovalSubject, Moment, UnverifiedApproval, Verified } from "./approval.ts";
import { verifyArtifact } from "./clawshield.ts";
import { verifyEnvelope } from "./envelope.ts";
import { isKeyValidAt, type TrustStore } from "./trust.ts";

export type { Approval };

/** A verified approval: what may be claimed with it, and a last check before that. */
class Approval {
  readonly #unverified: UnverifiedApproval;
  readonly #subject: ApprovalSubject;
  readonly #trust: TrustStore;
  readonly #verified: Verified;
  readonly scheme: ApprovalScheme;
  readonly iss: string;
  readonly jti: string;
  /** Executions it may start, 1 to 10000. */
  readonly uses: number;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** SHA-256 of the signed bytes, 32 bytes. */
  readonly bodyDigest: Uint8Array;
  readonly reference: ApprovalReference;

  constructor(
    unverified: UnverifiedApproval,
    subject: ApprovalSubject,
    trust: TrustStore,
    verified: Verified,
  ) {
    this.#unverified = unverified;
    this.#subject = subject;
    this.#trust = trust;
    this.#verified = verified;
    this.scheme = unverified.scheme;
    this.iss = verified.iss;
    this.jti = verified.jti;
    this.uses = verified.uses;
    this.issuedAt = verified.issuedAt;
    this.expiresAt = verified.expiresAt;
    this.bodyDigest = verified.bodyDigest;
    this.reference = referenceOf(unverified.scheme, verified);
  }

  /**
   * Checks again, inside the reservation, that it is still in time and that today's trust store
   * counts the very signatures that were counted. Throws a Refusal as verifyApproval does.
   */
  recheck(nowMs: number, trust: TrustStore): void {
    const { validFromMs, expiresAtMs, keys } = this.#verified;
    if (trust !== this.#trust || !keys.every((key) => isKeyValidAt(key, nowMs))) {
      const today = checked(this.#unverified, this.#subject, trust, { ms: nowMs, isReplay: false });
      if (!isSameSigners(today.signers, this.reference.signers)) {
        throw new Refusal("approval_signer_unknown");
      }
    }
    if (!(nowMs >= validFromMs)) throw new Refusal("approval_not_yet_valid");
    if (!(nowMs < expiresAtMs)) throw new Refusal("approval_expired", "The approval has expired.");
  }
}

/**
 * Verifies an approval for starting `subject`, its expiry included (envelope.ts, clawshield.ts);
 * the reservation looks at expiry and trust once more. Throws a Refusal with the first approval_*
 * code that applies, in the order of its scheme: that of core/errors.ts for envelopes, that of
 * OpenExec 0.1.10 for artifacts.
 */
export function verifyApproval(
  unverified: UnverifiedApproval,
  subject: ApprovalSubject,
  trust: TrustStore,
  nowMs: number,
): Approval {
  const verified = checked(unverified, subject, trust, { ms: nowMs, isReplay: false });
  return new Approval(unverified, subject, trust, verified);
}

/** An approval so far: verified signatures over one body, and whether they are enough. */
export interface Signatures {
  /** May start the subject; null while signatures are missing. */
  readonly approval: Approval | null;
  readonly iss: string;
  readonly jti: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly signers: readonly Signer[];
  /** SHA-256 of the signed bytes, 32 bytes. */
  readonly bodyDigest: Uint8Array;
  /** When the first of these signatures stops to count, in milliseconds since 1970. */
  readonly countsUntilMs: number;
}

/**
 * Verifies what is signed of an approval for `subject`, which may lack signatures. Throws a Refusal
 * as verifyApproval does, except approval_signers_insufficient.
 */
export function verifySignatures(
  unverified: UnverifiedApproval,
  subject: ApprovalSubject,
  trust: TrustStore,
  nowMs: number,
): Signatures {
  const verified = whatIsSigned(unverified, subject, trust, { ms: nowMs, isReplay: false });
  const { iss, jti, issuedAt, expiresAt, signers, bodyDigest, missing, keys } = verified;
  const ends = keys.map(({ notAfter }) => notAfter === null ? Infinity : notAfter * 1000 + 1);
  return {
    approval: missing > 0 ? null : new Approval(unverified, subject, trust, verified),
    iss,
    jti,
    issuedAt,
    expiresAt,
    signers,
    bodyDigest,
    countsUntilMs: Math.min(verified.expiresAtMs, ...ends),
  };
}

/**
 * Verifies the approval of a replay: its age does not matter, and its keys must have been valid
 * when the execution was reserved. The result names the approval and cannot start anything.
 * Throws a Refusal as verifyApproval does.
 */
export function verifyReplay(
  unverified: UnverifiedApproval,
  subject: ApprovalSubject,
  trust: TrustStore,
  reservedAtMs: number,
): ApprovalReference {
  const verified = checked(unverified, subject, trust, { ms: reservedAtMs, isReplay: true });
  return referenceOf(unverified.scheme, verified);
}

function checked(
  unverified: UnverifiedApproval,
  subject: ApprovalSubject,
  trust: TrustStore,
  moment: Moment,
): Verified {
  const verified = whatIsSigned(unverified, subject, trust, moment);
  if (verified.missing > 0) throw new Refusal("approval_signers_insufficient");
  return verified;
}

function whatIsSigned(
  { scheme, value }: UnverifiedApproval,
  subject: ApprovalSubject,
  trust: TrustStore,
  moment: Moment,
): Verified {
  return scheme === "dsse"
    ? verifyEnvelope(value, subject, trust, moment)
    : verifyArtifact(value, subject, trust, moment);
}

function referenceOf(scheme: ApprovalScheme, { iss, jti, signers }: Verified): ApprovalReference {
  return { scheme, iss, jti, signers };
}

/** The receipt names the signers: a set that changed meanwhile was not verified as a whole. */
function isSameSigners(a: readonly Signer[], b: readonly Signer[]): boolean {
  return a.length === b.length &&
    a.every(({ keyid, name }, i) => b[i]?.keyid === keyid && b[i]?.name === name);
}
