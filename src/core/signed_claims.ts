/**
 * The signed bodies of approvals and decisions, for both sides: the daemon decides on them, and a
 * client neither makes nor signs one that the daemon would not read.
 *
 * Unknown claims are refused: a signer must not believe in a restriction that nobody checks.
 */

import { type ErrorCode, Refusal } from "./errors.ts";
import { parseIJson, toValue } from "./json/json.ts";
import { isName, isReason, USES_MAX } from "./limits.ts";
import { isDigest } from "./sha.ts";
import { members, oneOf, optional, string, type TypeOf, where, whole } from "./shape.ts";
import type { Digest, Json } from "./types.ts";
import { isUuid } from "./uuid.ts";

export const APPROVAL_TYPE = "application/vnd.openexec.approval.v2+json";
export const DECISION_TYPE = "application/vnd.openexec.decision.v1+json";

/** How many executions an approval starts where it does not say. */
export const USES_DEFAULT = 1;

/** A subject is compared as text with what the kernel said, so it has one spelling. */
const SUBJECT = /^(?:uid:(?:0|[1-9][0-9]{0,9})|socket:[^/\p{Cc}]{1,255})$/u;

/** Tells whether `text` is `uid:` and a number, or `socket:` and a file name. */
export function isSubject(text: string): boolean {
  return SUBJECT.test(text);
}

/** Tells whether an approval may start as many executions. */
export function isUses(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 1 && count <= USES_MAX;
}

const name = where(string, isName);
const digest = (value: unknown): value is Digest => typeof value === "string" && isDigest(value);

const isApproval = where(
  members({
    iss: name,
    aud: name,
    sub: optional(where(string, isSubject)),
    jti: name,
    iat: whole,
    nbf: optional(whole),
    exp: whole,
    tenant: optional(name),
    action: name,
    action_digest: digest,
    nonce: optional(name),
    uses: optional(where(whole, isUses)),
    handler_digest: optional(digest),
  }),
  ({ uses = USES_DEFAULT, nonce }) => (uses === 1) === (nonce !== undefined),
);

/**
 * The claims. Times are whole seconds since 1970. `uses` is 1 where absent, and `nonce` is there
 * exactly when `uses` is 1.
 */
export type ApprovalClaims = TypeOf<typeof isApproval>;

/** A decision only ever declines: consent is an approval. */
const isDecision = members({
  iss: name,
  aud: name,
  iat: whole,
  tenant: optional(name),
  proposal: where(string, isUuid),
  action_digest: digest,
  decision: oneOf("decline"),
  reason: where(string, isReason),
});

/** The claims. `iat` is in whole seconds since 1970; `reason` is told to the agent. */
export type DecisionClaims = TypeOf<typeof isDecision>;

/** Throws a Refusal: approval_malformed. */
export function parseApprovalClaims(body: Uint8Array): ApprovalClaims {
  const claims = jsonOf(body, "approval_malformed");
  if (isApproval(claims)) return claims;
  throw new Refusal("approval_malformed", "The signed body has not the shape of an approval.");
}

/** Throws a Refusal: decision_malformed. */
export function parseDecisionClaims(body: Uint8Array): DecisionClaims {
  const claims = jsonOf(body, "decision_malformed");
  if (isDecision(claims)) return claims;
  throw new Refusal("decision_malformed", "The signed body has not the shape of a decision.");
}

function jsonOf(body: Uint8Array, otherwise: ErrorCode): Json {
  try {
    return toValue(parseIJson(body));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(otherwise, "The signed body is not I-JSON.");
  }
}
