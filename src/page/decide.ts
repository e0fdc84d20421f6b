/**
 * Signs and posts what a person decided: an approval of a proposal, or a decline.
 *
 * Invariants:
 * - Every claim is computed from what the person was shown: the canonical text, the proposer, the
 *   handler's digest. An approval that others began is only signed when its terms are the same.
 * - `iat` is the smaller of both clocks, and clocks that differ by over a minute sign nothing.
 */

import { systemClock } from "../core/clock.ts";
import { newClaims, requireMatch } from "../client/approve.ts";
import { requireAccepted } from "../client/approval_terms.ts";
import { actionDigest } from "../client/request.ts";
import {
  APPROVAL_TYPE,
  type ApprovalClaims,
  parseApprovalClaims,
} from "../core/approval_claims.ts";
import { canonicalJson } from "../core/canonical_json.ts";
import { DECISION_TYPE } from "../core/decision_claims.ts";
import { envelopeJson, parseEnvelope, preAuthEncoding } from "../core/dsse.ts";
import { utf8Encode } from "../core/bytes.ts";
import { parseIJson } from "../core/json.ts";
import { isDigest } from "../core/sha.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { post } from "./api.ts";
import type { Identity } from "./identity.ts";
import { signWithPasskey } from "./passkey.ts";
import { type Proposal, requestOf } from "./proposal.ts";

/** Whom decisions are for, as GET / says. */
export interface Executor {
  readonly aud: string;
  readonly tenant: string | null;
}

const CLOCKS_APART_MAX_SECONDS = 60;

/** Signs an approval that is valid for `ttlSeconds`, and posts it. Returns the proposal then. */
export async function approve(
  proposal: Proposal,
  executor: Executor,
  { name, keyid }: Identity,
  ttlSeconds: number,
): Promise<Json> {
  const body = carriedBody(proposal, executor, ttlSeconds) ??
    utf8Encode(canonicalJson(claimsOf(proposal, executor, name, ttlSeconds)));
  return await signAndPost(`/proposals/${proposal.id}/approvals`, APPROVAL_TYPE, body, keyid);
}

/** Signs a decline and posts it. `reason` has at most 500 characters, and the agent is told it. */
export async function decline(
  proposal: Proposal,
  { aud, tenant }: Executor,
  { name, keyid }: Identity,
  reason: string,
): Promise<Json> {
  const body = utf8Encode(canonicalJson({
    iss: name,
    aud,
    iat: issuedAt(proposal.now),
    ...(tenant === null ? {} : { tenant }),
    proposal: proposal.id,
    action_digest: actionDigest(requestOf(proposal)),
    decision: "decline",
    reason,
  }));
  return await signAndPost(`/proposals/${proposal.id}/decline`, DECISION_TYPE, body, keyid);
}

/** Returns how long an approval may be valid, in seconds: the policy's bound and the proposal's. */
export function longestTtl(proposal: Proposal): number {
  const leftSeconds = Math.floor((Date.parse(proposal.expires_at) - systemClock.nowMs()) / 1000);
  return Math.max(1, Math.min(proposal.approvals.max_ttl_seconds ?? leftSeconds, leftSeconds));
}

function claimsOf(
  proposal: Proposal,
  { aud, tenant }: Executor,
  iss: string,
  ttlSeconds: number,
): ApprovalClaims {
  const digest = proposal.handler?.digest ?? "";
  return newClaims(requestOf(proposal), {
    iss,
    aud,
    ttlSeconds,
    sub: `uid:${proposal.peer.uid}`,
    ...(tenant === null ? {} : { tenant }),
    ...(isDigest(digest) ? { handlerDigest: digest } : {}),
  }, issuedAt(proposal.now));
}

/** The body of an approval that another person began, if it says what this person was shown. */
function carriedBody(
  proposal: Proposal,
  { aud, tenant }: Executor,
  ttlSeconds: number,
): Uint8Array | null {
  const digest = proposal.handler?.digest ?? "";
  for (const envelope of proposal.approval ?? []) {
    const body = bodyOf(envelope);
    if (body === null) continue;
    try {
      const claims = parseApprovalClaims(body);
      requireMatch(requestOf(proposal), claims);
      requireAccepted(claims, {
        aud,
        tenant,
        ttlSeconds,
        sub: `uid:${proposal.peer.uid}`,
        ...(isDigest(digest) ? { handlerDigest: digest } : {}),
      }, systemClock.nowMs() / 1000);
      return body;
    } catch {
      // other terms: this person makes an approval of their own
    }
  }
  return null;
}

function bodyOf(envelope: JsonObject): Uint8Array | null {
  const parsed = parseEnvelope(parseIJson(JSON.stringify(envelope)));
  return parsed?.payloadType === APPROVAL_TYPE ? parsed.body : null;
}

function issuedAt(now: string): number {
  const [own, theirs] = [systemClock.nowMs() / 1000, Date.parse(now) / 1000];
  if (!(Math.abs(own - theirs) <= CLOCKS_APART_MAX_SECONDS)) {
    throw new Error("The clocks of this device and of the executor differ by over a minute.");
  }
  return Math.floor(Math.min(own, theirs));
}

async function signAndPost(
  path: string,
  payloadType: string,
  body: Uint8Array,
  keyid: string,
): Promise<Json> {
  const { signature, keyid: held } = await signWithPasskey(preAuthEncoding(payloadType, body));
  if (held !== null && held !== keyid) {
    throw new Error(`That passkey is ${held}, and this page decides with ${keyid}.`);
  }
  const signatures = [{ keyid, signature }];
  return await post(path, envelopeJson({ payloadType, body, signatures }));
}
