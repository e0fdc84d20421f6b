/** Approvers and approvals to test with. Keys are derived from their names: no secret of anyone. */

import { legacyActionHash } from "../../src/approval/clawshield.ts";
import { type ApprovalSubject, UnverifiedApproval } from "../../src/approval/approval.ts";
import { APPROVAL_TYPE } from "../../src/core/signed_claims.ts";
import { TrustStore } from "../../src/approval/trust.ts";
import type { ApproverConfig, ApproverPublicKey } from "../../src/config/config.ts";
import {
  actionDigest,
  canonicalJson,
  canonicalRequest,
} from "../../src/core/json/canonical_json.ts";
import { envelopeJson, preAuthEncoding } from "../../src/core/dsse.ts";
import { type SigningKey, signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import { parseIJson } from "../../src/core/json/json.ts";
import { digestOf, sha256 } from "../../src/core/sha.ts";
import type { Json, JsonObject } from "../../src/core/types.ts";

export const EXECUTOR_ID = "openexec:test";
export const TENANT = "t1";
/** Seconds since 1970. */
export const NOW = 1_800_000_000;
export const NOW_MS = NOW * 1000;
export const HANDLER_DIGEST = digestOf(utf8Encode("the handler's file"));

const signers = new Map<string, SigningKey>();

export function signerNamed(keyid: string): SigningKey {
  const known = signers.get(keyid) ?? signingKeyOf(sha256(utf8Encode(`test key ${keyid}`)));
  signers.set(keyid, known);
  return known;
}

export function approverPublicKey(
  keyid: string,
  window: Partial<Pick<ApproverPublicKey, "notBefore" | "notAfter">> = {},
): ApproverPublicKey {
  return {
    kind: "ed25519",
    keyid,
    publicKey: signerNamed(keyid).publicKey,
    notBefore: null,
    notAfter: null,
    ...window,
  };
}

export function approver(name: string, changes: Partial<ApproverConfig> = {}): ApproverConfig {
  const keys = [approverPublicKey(`${name}-1`), approverPublicKey(`${name}-2`)];
  const everything = { actions: new Set(["*"]), groups: new Set<string>() };
  return { name, maxTtlSeconds: 900, keys, ...everything, ...changes };
}

/** alice and bob may approve everything, carol only "echo". */
export function trustOf(
  approvers: readonly ApproverConfig[] = [
    approver("alice"),
    approver("bob"),
    approver("carol", { actions: new Set(["echo"]) }),
  ],
): TrustStore {
  return new TrustStore({ approvers, clawshield: null, tenant: TENANT }, EXECUTOR_ID);
}

export const PAYLOAD = { amount: 12, to: "someone" };

export function subject(changes: Partial<ApprovalSubject> = {}): ApprovalSubject {
  const payload = parseIJson(JSON.stringify(PAYLOAD));
  return {
    action: "echo",
    actionDigest: actionDigest(canonicalRequest("echo", payload)),
    legacyActionHash: legacyActionHash("echo", payload),
    nonce: "n-1",
    peer: { uid: 1000, gid: 1000, pid: 7, socket: "agent.sock" },
    handlerDigest: HANDLER_DIGEST,
    needed: needed(1),
    ...changes,
  };
}

export function needed(
  approvals: number,
  changes: Partial<ApprovalSubject["needed"]> = {},
): ApprovalSubject["needed"] {
  return { approvals, groups: new Map(), require: "any", ...changes };
}

/** The claims of an approval that `subject()` satisfies. */
export function claims(changes: Record<string, Json | undefined> = {}): JsonObject {
  const all = {
    iss: "alice",
    aud: EXECUTOR_ID,
    jti: "jti-1",
    iat: NOW - 10,
    exp: NOW + 290,
    tenant: TENANT,
    action: "echo",
    action_digest: subject().actionDigest,
    nonce: "n-1",
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([k, value]) => value === undefined ? [] : [[k, value]]),
  );
}

/** Signs `body` (the claims, unless it is text already) with each key. */
export function envelope(
  body: JsonObject | string = claims(),
  keyids: readonly string[] = ["alice-1"],
  payloadType = APPROVAL_TYPE,
): JsonObject {
  const bytes = utf8Encode(typeof body === "string" ? body : JSON.stringify(body));
  const signed = preAuthEncoding(payloadType, bytes);
  const signatures = keyids.map((keyid) => ({ keyid, signature: signerNamed(keyid).sign(signed) }));
  return envelopeJson({ payloadType, body: bytes, signatures });
}

export function unverified(json: Json, scheme: "dsse" | "clawshield" = "dsse"): UnverifiedApproval {
  return new UnverifiedApproval(scheme, canonicalJson(json));
}
