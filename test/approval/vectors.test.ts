import { legacyActionHash } from "../../src/approval/clawshield.ts";
import { describe, expect, test } from "vitest";
import { type ApprovalSubject, UnverifiedApproval } from "../../src/approval/approval.ts";
import { TrustStore } from "../../src/approval/trust.ts";
import { verifyApproval } from "../../src/approval/verify.ts";
import { actionDigest, canonicalRequest } from "../../src/core/json/canonical_json.ts";
import { type JsonNode, parseIJson } from "../../src/core/json/json.ts";
import { parsePublicKey } from "../../src/core/keys/public_key.ts";
import { digestText, parseDigest } from "../../src/core/sha.ts";
import { HANDLER_DIGEST, needed } from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";
import { approvalVectors, clawshieldVectors } from "../support/vectors.ts";

function keyOf(text: string): Uint8Array {
  const key = parsePublicKey(text);
  if (key === undefined) throw new Error("the vectors hold a key that does not parse");
  return key;
}

function subjectOf(action: string, payload: JsonNode, nonce: string): ApprovalSubject {
  return {
    action,
    actionDigest: actionDigest(canonicalRequest(action, payload)),
    legacyActionHash: legacyActionHash(action, payload),
    nonce,
    peer: { uid: 1000, gid: 1000, pid: 1, socket: "agent.sock" },
    handlerDigest: HANDLER_DIGEST,
    needed: needed(1),
  };
}

describe("approval vectors", () => {
  const { now, trust, cases } = approvalVectors();
  const store = new TrustStore({
    tenant: trust.tenant,
    clawshield: null,
    approvers: trust.approvers.map(({ name, actions, max_ttl_seconds, keys }) => ({
      name,
      actions: new Set(actions),
      groups: new Set<string>(),
      maxTtlSeconds: max_ttl_seconds,
      keys: keys.map((key) => ({
        kind: "ed25519" as const,
        keyid: key.keyid,
        publicKey: keyOf(key.public_key),
        notBefore: key.not_before ?? null,
        notAfter: key.not_after ?? null,
      })),
    })),
  }, trust.executor_id);

  test.each(cases)("$expect: $name", ({ expect: code, request }) => {
    const action = trust.actions[request.action];
    const pinned = parseDigest(action?.handler_digest ?? HANDLER_DIGEST);
    const subject: ApprovalSubject = {
      ...subjectOf(request.action, parseIJson(JSON.stringify(request.payload)), request.nonce),
      peer: { gid: 1000, pid: 1, ...trust.peer },
      handlerDigest: digestText(pinned ?? new Uint8Array()),
      needed: needed(action?.approvals ?? 1),
    };
    const approval = new UnverifiedApproval("dsse", JSON.stringify(request.approval));
    expect(codeOf(() => verifyApproval(approval, subject, store, now * 1000))).toBe(code);
  });
});

describe("ClawShield vectors", () => {
  const { now, public_key_pem, tenant_id, cases } = clawshieldVectors();
  const store = new TrustStore({
    tenant: null,
    approvers: [],
    clawshield: {
      publicKey: keyOf(public_key_pem),
      tenant: tenant_id,
      actions: new Set(["*"]),
      maxTtlSeconds: 900,
    },
  }, "openexec:test-host");

  test.each(cases)(
    "$expect: $name",
    ({ expect: code, action, payload_text, nonce, approval_artifact }) => {
      const subject = subjectOf(action, parseIJson(payload_text), nonce);
      const approval = new UnverifiedApproval(
        "clawshield",
        JSON.stringify(approval_artifact),
      );
      expect(codeOf(() => verifyApproval(approval, subject, store, Date.parse(now)))).toBe(code);
    },
  );
});
