/**
 * The one door from an unverified approval to an `Approval`, which may start executions.
 *
 * Invariant: the class below is not exported, so that nothing else can make one, and its private fields keep any other
 * object from passing for one.
 */

import { Refusal } from "../core/errors.ts";
import type { ApprovalReference, ApprovalScheme, Signer } from "../core/types.ts";
import type { ApprovalSubject, Moment, UnverifiedApproval, Verified } from "./approval.ts";
import { verifyArtifact } from "./clawshield.ts";
import { verifyEnvelope } from "./envelope.ts";
import { isKeyValidAt, type TrustStore } from "./trust.ts";

export type { Approval };

/** An approval that verified. It says what may be claimed with it, and can be looked at once more before that. */
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
  /** 32 bytes: SHA-256 of what was signed. */
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
   * Looks at it once more, for use inside the reservation: whether it is still in time, and whether today's trust store
   * still counts the very signatures that were counted. Throws a Refusal as verifyApproval does.
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
 * Verifies an approval for starting what `subject` says.
 * Throws a Refusal: the first of the approval_* codes, in the order of the table in core/errors.ts, that applies.
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

/**
 * Verifies the approval of a replay as far as time plays no part: its age is not looked at, and its keys' windows as they
 * were when the execution was reserved. What comes back names the approval; it cannot start anything.
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
  { scheme, node }: UnverifiedApproval,
  subject: ApprovalSubject,
  trust: TrustStore,
  moment: Moment,
): Verified {
  return scheme === "dsse"
    ? verifyEnvelope(node, subject, trust, moment)
    : verifyArtifact(node, subject, trust, moment);
}

function referenceOf(scheme: ApprovalScheme, { iss, jti, signers }: Verified): ApprovalReference {
  return { scheme, iss, jti, signers };
}

/** The receipt will name them: a set that shrank or grew meanwhile would make it say what nobody verified. */
function isSameSigners(a: readonly Signer[], b: readonly Signer[]): boolean {
  return a.length === b.length &&
    a.every(({ keyid, name }, i) => b[i]?.keyid === keyid && b[i]?.name === name);
}
