/**
 * Signing a request: DSSE 1.0.2 over an approval body. docs/http-api.md has the daemon's checks and
 * their order.
 *
 * Invariants:
 * - Only a body with the action_digest and the nonce of its request is ever signed.
 * - A further signature covers the very bytes that the first one covers, and only terms that its
 *   signer accepts: the requester may have written the approval.
 */

import {
  APPROVAL_TYPE,
  type ApprovalClaims,
  isSubject,
  isUses,
  parseApprovalClaims,
  USES_DEFAULT,
} from "../core/signed_claims.ts";
import { canonicalJson } from "../core/json/canonical_json.ts";
import {
  type Envelope,
  envelopeJson,
  type EnvelopeSignature,
  parseEnvelope,
  preAuthEncoding,
} from "../core/dsse.ts";
import { utf8Encode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { parseIJson, toValue } from "../core/json/json.ts";
import { isName, USES_MAX } from "../core/limits.ts";
import { isDigest } from "../core/sha.ts";
import {
  type AcceptedTerms,
  type ApprovalTerms,
  requireAccepted,
  TTL_SECONDS_DEFAULT,
} from "./approval_terms.ts";
import { type ApproverKey, type ApproverSigner, signersOf } from "./approver_key.ts";
import { iJsonText } from "./json.ts";
import { actionDigest, type ExecutionRequest } from "./request.ts";

type Keys = readonly (ApproverKey | ApproverSigner)[];

/** A request's approval, read to show it to a person. It is not verified: decide nothing on it. */
export interface CarriedApproval {
  readonly claims: ApprovalClaims;
  readonly envelope: Envelope;
}

/**
 * Returns undefined without an approval. Throws Refusal approval_malformed for one that the daemon
 * would not read.
 */
export function readApproval(request: ExecutionRequest): CarriedApproval | undefined {
  if (request.approval === undefined) return undefined;
  const envelope = parseEnvelope(toValue(parseIJson(iJsonText(request.approval))));
  if (envelope?.payloadType !== APPROVAL_TYPE) throw new Refusal("approval_malformed");
  return { claims: parseApprovalClaims(envelope.body), envelope };
}

/**
 * Gives a request a new approval, signed with each key, in place of any it had. `nowSeconds` is
 * since 1970. Rejects with RangeError for terms that no daemon accepts, and as a signer does.
 */
export async function approveRequest(
  request: ExecutionRequest,
  keys: Keys,
  terms: ApprovalTerms,
  nowSeconds: number,
): Promise<ExecutionRequest> {
  return await signClaims(request, newClaims(request, terms, nowSeconds), keys);
}

/** Gives a request an approval of exactly these claims. Rejects as `requireMatch` throws. */
export async function signClaims(
  request: ExecutionRequest,
  claims: ApprovalClaims,
  keys: Keys,
): Promise<ExecutionRequest> {
  requireMatch(request, claims);
  const body = utf8Encode(canonicalJson(claims));
  return await withSignatures(request, { payloadType: APPROVAL_TYPE, body, signatures: [] }, keys);
}

/**
 * Adds signatures to the approval that a request carries, if its terms are those in `accepted`.
 * `nowSeconds` is since 1970. Rejects with CarriedTermError, and Refusal approval_missing,
 * approval_malformed, approval_action_mismatch, approval_nonce_mismatch.
 */
export async function countersign(
  request: ExecutionRequest,
  keys: Keys,
  accepted: AcceptedTerms,
  nowSeconds: number,
): Promise<ExecutionRequest> {
  const approval = readApproval(request);
  if (approval === undefined) throw new Refusal("approval_missing");
  requireMatch(request, approval.claims);
  requireAccepted(approval.claims, accepted, nowSeconds);
  return await withSignatures(request, approval.envelope, keys);
}

/**
 * Throws a Refusal unless the claims are for this request. A person sees action and payload but
 * signs their digest, so the two must be the same thing.
 */
export function requireMatch(request: ExecutionRequest, claims: ApprovalClaims): void {
  if (claims.action !== request.action || claims.action_digest !== actionDigest(request)) {
    throw new Refusal("approval_action_mismatch");
  }
  if (claims.nonce !== undefined && claims.nonce !== request.nonce) {
    throw new Refusal("approval_nonce_mismatch");
  }
}

/** Makes the claims of an approval with these terms, not yet signed. Throws RangeError. */
export function newClaims(
  request: ExecutionRequest,
  terms: ApprovalTerms,
  nowSeconds: number,
): ApprovalClaims {
  const {
    iss,
    aud,
    ttlSeconds = TTL_SECONDS_DEFAULT,
    sub,
    tenant,
    uses = USES_DEFAULT,
    handlerDigest,
  } = terms;
  if (![iss, aud, ...(tenant === undefined ? [] : [tenant])].every(isName)) {
    throw new RangeError("iss, aud and tenant are 1 to 255 characters of visible ASCII");
  }
  if (sub !== undefined && !isSubject(sub)) {
    throw new RangeError("sub is uid:NUMBER or socket:NAME, such as uid:1000 or socket:agent.sock");
  }
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    throw new RangeError("ttl is whole seconds, at least 1");
  }
  if (!isUses(uses)) {
    throw new RangeError(`uses is a whole number, 1 to ${USES_MAX}`);
  }
  if (handlerDigest !== undefined && !isDigest(handlerDigest)) {
    throw new RangeError("handlerDigest is sha256: and 64 lower-case hex digits");
  }
  const iat = Math.floor(nowSeconds);
  return {
    iss,
    aud,
    ...(sub === undefined ? {} : { sub }),
    jti: crypto.randomUUID(),
    iat,
    exp: iat + ttlSeconds,
    ...(tenant === undefined ? {} : { tenant }),
    action: request.action,
    action_digest: actionDigest(request),
    ...(uses === 1 ? { nonce: request.nonce } : { uses }),
    ...(handlerDigest === undefined ? {} : { handler_digest: handlerDigest }),
  };
}

/** One after the other, because each may ask a person. Replaces what a key has signed before. */
async function withSignatures(
  request: ExecutionRequest,
  envelope: Envelope,
  keys: Keys,
): Promise<ExecutionRequest> {
  const message = preAuthEncoding(envelope.payloadType, envelope.body);
  const added: EnvelopeSignature[] = [];
  for (const signer of signersOf(keys)) {
    added.push({ keyid: signer.keyid, signature: await signer.sign(message) });
  }
  const kept = envelope.signatures.filter((one) =>
    !added.some((other) => other.keyid === one.keyid)
  );
  const { action, payload, nonce } = request;
  return {
    action,
    payload,
    nonce,
    approval: envelopeJson({ ...envelope, signatures: [...kept, ...added] }),
  };
}
