/**
 * The body of an approval as its signer reads it. The daemon reads it again for itself and decides on that; here it is
 * for showing, and for refusing early what no daemon would take.
 */

import * as v from "valibot";
import { parseIJson, toValue } from "../core/json.ts";
import { isName, USES_MAX } from "../core/limits.ts";
import { isDigest } from "../core/sha.ts";
import type { Digest } from "../core/types.ts";

export const APPROVAL_TYPE = "application/vnd.openexec.approval.v2+json";

const name = v.pipe(v.string(), v.check(isName));
const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const digest = v.custom<Digest>((value) => typeof value === "string" && isDigest(value));

const claims = v.pipe(
  v.strictObject({
    iss: name,
    aud: name,
    sub: v.exactOptional(name),
    jti: name,
    iat: seconds,
    nbf: v.exactOptional(seconds),
    exp: seconds,
    tenant: v.exactOptional(name),
    action: name,
    action_digest: digest,
    nonce: v.exactOptional(name),
    uses: v.exactOptional(v.pipe(seconds, v.minValue(1), v.maxValue(USES_MAX))),
    handler_digest: v.exactOptional(digest),
  }),
  v.check(({ uses, nonce }) => (uses ?? 1) > 1 ? nonce === undefined : nonce !== undefined),
);

/** Times in whole seconds since 1970; `uses` is 1 where absent, and `nonce` there exactly when it is 1. */
export type ApprovalClaims = v.InferOutput<typeof claims>;

/** undefined for a body that has a claim missing, unknown or of the wrong kind. */
export function claimsOf(body: Uint8Array): ApprovalClaims | undefined {
  try {
    const read = v.safeParse(claims, toValue(parseIJson(body)));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}
