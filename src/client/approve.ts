/**
 * Signing a request: DSSE 1.0.2 over an approval body, Ed25519 (RFC 8032). What the daemon checks of it, and in which
 * order, is docs/http-api.md.
 *
 * Invariants:
 * - A signature is only ever put on a body whose action_digest and nonce are those of the request it came with.
 * - A further signature covers the very bytes the first one covers, and only terms that its signer accepts: the approval may be
 *   the requester's own writing.
 */

import { canonicalJson } from "../core/canonical_json.ts";
import { type Envelope, envelopeJson, parseEnvelope, preAuthEncoding } from "../core/dsse.ts";
import { sign } from "../core/ed25519.ts";
import { utf8Encode } from "../core/encoding.ts";
import { Refusal } from "../core/errors.ts";
import { parseIJson } from "../core/json.ts";
import { isName, USES_MAX } from "../core/limits.ts";
import { isDigest } from "../core/sha.ts";
import { APPROVAL_TYPE, type ApprovalClaims, claimsOf } from "./approval_claims.ts";
import {
  type AcceptedTerms,
  type ApprovalTerms,
  requireAccepted,
  TTL_SECONDS_DEFAULT,
  USES_DEFAULT,
} from "./approval_terms.ts";
import type { ApproverKey } from "./approver_key.ts";
import { iJsonText } from "./json.ts";
import { actionDigest, type ExecutionRequest } from "./request.ts";

/** A request's approval, read but not verified: what a person is shown, never what anything is decided on. */
export interface UnverifiedApproval {
  readonly claims: ApprovalClaims;
  readonly envelope: Envelope;
}

/** undefined without an approval. Throws Refusal approval_malformed for one the daemon would not read. */
export function readApproval(request: ExecutionRequest): UnverifiedApproval | undefined {
  if (request.approval === undefined) return undefined;
  const envelope = parseEnvelope(parseIJson(iJsonText(request.approval)));
  const claims = envelope?.payloadType === APPROVAL_TYPE ? claimsOf(envelope.body) : undefined;
  if (envelope === undefined || claims === undefined) throw new Refusal("approval_malformed");
  return { claims, envelope };
}

/**
 * The request with a new approval, signed by each key; an approval it had is replaced. `nowSeconds` is since 1970.
 * Throws RangeError for terms no daemon would accept.
 */
export function approveRequest(
  request: ExecutionRequest,
  keys: readonly ApproverKey[],
  terms: ApprovalTerms,
  nowSeconds: number,
): ExecutionRequest {
  return signClaims(request, newClaims(request, terms, nowSeconds), keys);
}

/** The request with an approval of exactly these claims. Throws as `countersign` does where they are not of this request. */
export function signClaims(
  request: ExecutionRequest,
  claims: ApprovalClaims,
  keys: readonly ApproverKey[],
): ExecutionRequest {
  requireMatch(request, claims);
  const body = utf8Encode(canonicalJson(claims));
  return withSignatures(request, { payloadType: APPROVAL_TYPE, body, signatures: [] }, keys);
}

/**
 * The request with further signatures on the approval it carries, which says what `accepted` does. `nowSeconds` is since 1970.
 * Throws CarriedTermError, and Refusal approval_missing, approval_malformed, approval_action_mismatch, approval_nonce_mismatch.
 */
export function countersign(
  request: ExecutionRequest,
  keys: readonly ApproverKey[],
  accepted: AcceptedTerms,
  nowSeconds: number,
): ExecutionRequest {
  const approval = readApproval(request);
  if (approval === undefined) throw new Refusal("approval_missing");
  requireMatch(request, approval.claims);
  requireAccepted(approval.claims, accepted, nowSeconds);
  return withSignatures(request, approval.envelope, keys);
}

/** Whoever signs sees action and payload, but signs their digest: both must be the same thing. */
export function requireMatch(request: ExecutionRequest, claims: ApprovalClaims): void {
  if (claims.action !== request.action || claims.action_digest !== actionDigest(request)) {
    throw new Refusal("approval_action_mismatch");
  }
  if (claims.nonce !== undefined && claims.nonce !== request.nonce) {
    throw new Refusal("approval_nonce_mismatch");
  }
}

/** What an approval with these terms would say, before anybody signs it. Throws RangeError. */
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
  for (
    const name of [
      iss,
      aud,
      ...(sub === undefined ? [] : [sub]),
      ...(tenant === undefined ? [] : [tenant]),
    ]
  ) {
    if (!isName(name)) {
      throw new RangeError("iss, aud, sub and tenant are 1 to 255 characters of visible ASCII");
    }
  }
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    throw new RangeError("ttl is whole seconds, at least 1");
  }
  if (!Number.isSafeInteger(uses) || uses < 1 || uses > USES_MAX) {
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

/** A key that signed already signs in place: Ed25519 is deterministic, so nothing changes. */
function withSignatures(
  request: ExecutionRequest,
  envelope: Envelope,
  keys: readonly ApproverKey[],
): ExecutionRequest {
  const message = preAuthEncoding(envelope.payloadType, envelope.body);
  const added = keys.map((key) => ({ keyid: key.keyid, signature: sign(message, key.seed) }));
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
