/**
 * Verification of a decision: an approver's signed no to one proposal.
 *
 * The checks have an order and a code each, as those of an approval have. One approver who may
 * approve the action may decline it, with any kind of key.
 */

import { DECISION_TYPE, type DecisionClaims, parseDecisionClaims } from "../core/signed_claims.ts";
import { parseEnvelope, preAuthEncoding } from "../core/dsse.ts";
import { Refusal } from "../core/errors.ts";
import type { Digest, Signer } from "../core/types.ts";
import { verifyBy } from "../core/keys/verifying_key.ts";
import { mayApprove, type TrustedKey, type TrustStore } from "./trust.ts";

/** The proposal that the decision is about. */
export interface DecisionSubject {
  readonly proposal: string;
  readonly action: string;
  readonly actionDigest: Digest;
  /** Milliseconds since 1970. */
  readonly proposedAtMs: number;
}

export interface Decline {
  readonly by: Signer;
  /** The approver's words. */
  readonly reason: string;
}

/** Throws a Refusal: decision_malformed, or an approval_* code. */
export function verifyDecision(
  value: unknown,
  subject: DecisionSubject,
  trust: TrustStore,
  nowMs: number,
): Decline {
  const envelope = parseEnvelope(value);
  const [only, ...more] = envelope?.signatures ?? [];
  if (envelope?.payloadType !== DECISION_TYPE || only === undefined || more.length > 0) {
    throw new Refusal("decision_malformed", "It is no decision with exactly one signature.");
  }
  const claims = parseDecisionClaims(envelope.body);
  const key = trust.keyAt(only.keyid, nowMs);
  if (key === undefined) throw new Refusal("approval_signer_unknown");
  const facts = verifyBy(key, only.signature, preAuthEncoding(DECISION_TYPE, envelope.body));
  if (facts === undefined) throw new Refusal("approval_signature_invalid");
  checkClaims(claims, key, subject, trust, nowMs);
  const by = { name: key.approver.name, keyid: key.keyid, ...facts };
  return { by, reason: claims.reason };
}

function checkClaims(
  claims: DecisionClaims,
  { approver }: TrustedKey,
  subject: DecisionSubject,
  trust: TrustStore,
  nowMs: number,
): void {
  if (claims.iss !== approver.name) {
    throw new Refusal("approval_signer_unknown", "The approver named in `iss` did not sign.");
  }
  if (!(claims.iat * 1000 <= nowMs)) throw new Refusal("approval_not_yet_valid");
  if (!(claims.iat >= Math.floor(subject.proposedAtMs / 1000))) {
    throw new Refusal("approval_expired", "The decision is older than the proposal.");
  }
  if (claims.aud !== trust.executorId) throw new Refusal("approval_audience_mismatch");
  if ((claims.tenant ?? null) !== trust.tenant) {
    throw new Refusal("approval_tenant_mismatch", "Tenant mismatch.");
  }
  if (claims.proposal !== subject.proposal || claims.action_digest !== subject.actionDigest) {
    throw new Refusal("approval_action_mismatch", "This is not the proposal that was declined.");
  }
  if (!mayApprove(approver, subject.action)) throw new Refusal("approval_scope_denied");
}
