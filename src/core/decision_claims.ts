/**
 * The signed body of a decision, `application/vnd.openexec.decision.v1+json`, for both sides: the
 * daemon ends a proposal by it, and a client signs none that the daemon would not read.
 *
 * A decision only ever declines. Consent is an approval (approval_claims.ts).
 */

import { Refusal } from "./errors.ts";
import { parseIJson, toValue } from "./json/json.ts";
import { isName, isReason } from "./limits.ts";
import { isDigest } from "./sha.ts";
import { members, oneOf, optional, string, type TypeOf, where, whole } from "./shape.ts";
import type { Digest, Json } from "./types.ts";
import { isUuid } from "./uuid.ts";

export const DECISION_TYPE = "application/vnd.openexec.decision.v1+json";

const name = where(string, isName);
const digest = (value: unknown): value is Digest => typeof value === "string" && isDigest(value);

const isClaims = members({
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
export type DecisionClaims = TypeOf<typeof isClaims>;

/** Throws a Refusal: decision_malformed. */
export function parseDecisionClaims(body: Uint8Array): DecisionClaims {
  const value = jsonOf(body);
  if (isClaims(value)) return value;
  throw new Refusal("decision_malformed", "The signed body has not the shape of a decision.");
}

function jsonOf(body: Uint8Array): Json {
  try {
    return toValue(parseIJson(body));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal("decision_malformed", "The signed body is not I-JSON.");
  }
}
