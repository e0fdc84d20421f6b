/** The signed body of an approval: `application/vnd.openexec.approval.v2+json`. Unknown claims are refused. */

import * as v from "valibot";
import { Refusal } from "../core/errors.ts";
import { parseIJson, toValue } from "../core/json.ts";
import { isName, USES_MAX } from "../core/limits.ts";
import { isDigest } from "../core/sha.ts";
import type { Json } from "../core/types.ts";

export const APPROVAL_PAYLOAD_TYPE = "application/vnd.openexec.approval.v2+json";

/** `uid:N` in its one decimal spelling, or `socket:` and a file name: compared as text with what the kernel said. */
const SUBJECT = /^(?:uid:(?:0|[1-9][0-9]{0,9})|socket:[^/\p{Cc}]{1,255})$/u;

const Name = v.pipe(v.string(), v.check(isName));
const Digest = v.pipe(v.string(), v.guard(isDigest));
const Seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const ClaimsSchema = v.pipe(
  v.strictObject({
    iss: Name,
    aud: Name,
    sub: v.exactOptional(v.pipe(v.string(), v.regex(SUBJECT))),
    jti: Name,
    iat: Seconds,
    nbf: v.exactOptional(Seconds),
    exp: Seconds,
    tenant: v.exactOptional(Name),
    action: Name,
    action_digest: Digest,
    nonce: v.exactOptional(Name),
    uses: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(USES_MAX)), 1),
    handler_digest: v.exactOptional(Digest),
  }),
  v.check(({ uses, nonce }) => (uses === 1) === (nonce !== undefined)),
);

/** The claims; times in seconds since 1970. `nonce` is there exactly when `uses` is 1. */
export type Claims = v.InferOutput<typeof ClaimsSchema>;

/** Throws a Refusal: approval_malformed. */
export function parseClaims(body: Uint8Array): Claims {
  const parsed = v.safeParse(ClaimsSchema, jsonOf(body), { abortEarly: true });
  if (!parsed.success) {
    throw new Refusal("approval_malformed", "The signed body has not the shape of an approval.");
  }
  return parsed.output;
}

function jsonOf(body: Uint8Array): Json {
  try {
    return toValue(parseIJson(body));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal("approval_malformed", "The signed body is not I-JSON.");
  }
}
