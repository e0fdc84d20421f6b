/**
 * Verification of a DSSE approval. The checks have an order and a code each, so that an approval
 * with several faults is refused for the first.
 */

import {
  APPROVAL_TYPE,
  type ApprovalClaims,
  parseApprovalClaims,
  USES_DEFAULT,
} from "../core/signed_claims.ts";
import { parseEnvelope, preAuthEncoding } from "../core/dsse.ts";
import type { Envelope } from "../core/dsse.ts";
import { Refusal } from "../core/errors.ts";
import { emptySeats, meets, type SignerFacts } from "../core/approvers_needed.ts";
import { sha256 } from "../core/sha.ts";
import { verifyBy } from "../core/keys/verifying_key.ts";
import type { ApprovalSubject, Moment, Verified } from "./approval.ts";
import { mayApprove, type TrustedApprover, type TrustedKey, type TrustStore } from "./trust.ts";

/**
 * Throws a Refusal with one of the approval_* codes that come before the reservation, but not for
 * too few signatures: `missing` counts those.
 */
export function verifyEnvelope(
  value: unknown,
  subject: ApprovalSubject,
  trust: TrustStore,
  moment: Moment,
): Verified {
  const envelope = parseEnvelope(value);
  if (envelope?.payloadType !== APPROVAL_TYPE) throw new Refusal("approval_malformed");
  const counted = countedSignatures(envelope, trust, moment);
  const keys = counted.map(({ key }) => key);
  const claims = parseApprovalClaims(envelope.body);
  if (!keys.some((key) => key.approver.name === claims.iss)) {
    throw new Refusal("approval_signer_unknown", "The approver named in `iss` did not sign.");
  }
  if (!moment.isReplay) checkTimes(claims, moment.ms);
  checkLifetime(claims, keys);
  checkAddressees(claims, subject, trust);
  checkRequest(claims, subject);
  checkKeys(counted, subject);
  return {
    iss: claims.iss,
    jti: claims.jti,
    uses: claims.uses ?? USES_DEFAULT,
    validFromMs: Math.max(claims.iat, claims.nbf ?? 0) * 1000,
    expiresAtMs: claims.exp * 1000,
    issuedAt: claims.iat,
    expiresAt: claims.exp,
    signers: counted.map(({ key, facts }) => ({
      name: key.approver.name,
      keyid: key.keyid,
      ...facts,
    })),
    missing: emptySeats(subject.needed, peopleOf(keys)),
    keys,
    bodyDigest: sha256(envelope.body),
  };
}

interface CountedSignature {
  readonly key: TrustedKey;
  readonly facts: SignerFacts;
}

/**
 * Collects the first signature of each known key. One by a known key that fails, a second one of
 * the same key too, refuses them all.
 */
function countedSignatures(
  envelope: Envelope,
  trust: TrustStore,
  moment: Moment,
): CountedSignature[] {
  const signed = preAuthEncoding(envelope.payloadType, envelope.body);
  const counted = new Map<string, CountedSignature>();
  for (const { keyid, signature } of envelope.signatures) {
    const key = trust.keyAt(keyid, moment.ms);
    if (key === undefined) continue;
    const facts = verifyBy(key, signature, signed);
    if (facts === undefined) throw new Refusal("approval_signature_invalid");
    if (!counted.has(keyid)) counted.set(keyid, { key, facts });
  }
  if (counted.size === 0) throw new Refusal("approval_signer_unknown");
  return [...counted.values()];
}

/** Each comparison, here and below, refuses when a time is NaN. */
function checkTimes(claims: ApprovalClaims, nowMs: number): void {
  const isBegun = claims.iat * 1000 <= nowMs && (claims.nbf ?? 0) * 1000 <= nowMs;
  if (!isBegun) throw new Refusal("approval_not_yet_valid");
  if (!(nowMs < claims.exp * 1000)) {
    throw new Refusal("approval_expired", "The approval has expired.");
  }
}

function checkLifetime(claims: ApprovalClaims, keys: readonly TrustedKey[]): void {
  const longest = Math.min(...keys.map((key) => key.approver.maxTtlSeconds));
  if (!(claims.exp - claims.iat <= longest)) throw new Refusal("approval_ttl_too_long");
}

function checkAddressees(
  claims: ApprovalClaims,
  { peer, isProposal = false }: ApprovalSubject,
  trust: TrustStore,
): void {
  if (claims.aud !== trust.executorId) throw new Refusal("approval_audience_mismatch");
  const isForPeer = claims.sub === `uid:${peer.uid}` ||
    !isProposal && (claims.sub === undefined || claims.sub === `socket:${peer.socket}`);
  if (!isForPeer) throw new Refusal("approval_subject_mismatch");
  if ((claims.tenant ?? null) !== trust.tenant) {
    throw new Refusal("approval_tenant_mismatch", "Tenant mismatch.");
  }
}

function checkRequest(claims: ApprovalClaims, subject: ApprovalSubject): void {
  if (claims.action !== subject.action || claims.action_digest !== subject.actionDigest) {
    throw new Refusal(
      "approval_action_mismatch",
      "hash mismatch: this is not the action and payload approved.",
    );
  }
  const { isProposal = false } = subject;
  if ((isProposal || claims.nonce !== undefined) && claims.nonce !== subject.nonce) {
    throw new Refusal("approval_nonce_mismatch");
  }
  const { handler_digest: handler } = claims;
  if ((isProposal || handler !== undefined) && handler !== subject.handlerDigest) {
    throw new Refusal("approval_handler_mismatch");
  }
}

/** Every counted signature has to be by a key that may approve this, and is strong enough. */
function checkKeys(counted: readonly CountedSignature[], subject: ApprovalSubject): void {
  if (!counted.every(({ key }) => mayApprove(key.approver, subject.action))) {
    throw new Refusal("approval_scope_denied");
  }
  if (!counted.every(({ facts }) => meets(facts, subject.needed.require))) {
    throw new Refusal("approval_key_too_weak");
  }
}

/** Counts people and not keys: two keys of one approver are one approver. */
function peopleOf(keys: readonly TrustedKey[]): TrustedApprover[] {
  return [...new Map(keys.map(({ approver }) => [approver.name, approver])).values()];
}
