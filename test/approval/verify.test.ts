import { describe, expect, expectTypeOf, test } from "vitest";
import type { Verified } from "../../src/approval/approval.ts";
import { TrustStore } from "../../src/approval/trust.ts";
import {
  type Approval,
  verifyApproval,
  verifyReplay,
  verifySignatures,
} from "../../src/approval/verify.ts";
import * as door from "../../src/approval/verify.ts";
import { base64Decode, base64Encode, utf8Encode } from "../../src/core/bytes.ts";
import { digestOf, sha256 } from "../../src/core/sha.ts";
import { type ApprovalReference, PLAIN_KEY } from "../../src/core/types.ts";
import {
  approver,
  approverPublicKey,
  claims,
  envelope,
  EXECUTOR_ID,
  HANDLER_DIGEST,
  needed,
  NOW,
  NOW_MS,
  subject,
  trustOf,
  unverified,
} from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";

const verdict = (
  json: Parameters<typeof unverified>[0],
  changes = {},
  trust = trustOf(),
  nowMs = NOW_MS,
) => codeOf(() => verifyApproval(unverified(json), subject(changes), trust, nowMs));

test("signatures that are not enough yet are no Approval", () => {
  const signed = (...keyids: string[]) =>
    verifySignatures(
      unverified(envelope(claims(), keyids)),
      subject({ needed: needed(2) }),
      trustOf(),
      NOW_MS,
    ).approval;
  expect(signed("alice-1")).toBeNull();
  expect(signed("alice-1", "alice-2")).toBeNull();
  expect(signed("alice-1", "bob-1")).not.toBeNull();
});

test("signatures count until the first of their keys ends, or the approval does", () => {
  const countsUntilMs = (notAfter: number | null) => {
    const keys = [approverPublicKey("alice-1", { notAfter })];
    const trust = trustOf([approver("alice", { keys })]);
    return verifySignatures(unverified(envelope()), subject(), trust, NOW_MS).countsUntilMs;
  };
  expect(countsUntilMs(NOW + 5)).toBe((NOW + 5) * 1000 + 1);
  expect(countsUntilMs(null)).toBe((NOW + 290) * 1000);
});

test("a key that has become another person's counts no more for what was verified", () => {
  const signed = unverified(envelope(claims(), ["alice-1", "bob-1"]));
  const approval = verifyApproval(signed, subject({ needed: needed(2) }), trustOf(), NOW_MS);
  const renamed = approver("dora", { keys: [approverPublicKey("bob-1")] });
  const today = trustOf([approver("alice"), renamed]);
  expect(codeOf(() => approval.recheck(NOW_MS, today))).toBe("approval_signer_unknown");
});

test("the body of an approval that no known key signed is not read", () => {
  const unread = envelope('{"iss":', ["alice-1"]);
  expect(verdict(unread, {}, trustOf([approver("bob")]))).toBe("approval_signer_unknown");
  expect(verdict(unread)).toBe("approval_malformed");
});

describe("an Approval", () => {
  test("says what it was verified to say", () => {
    const body = claims({ nbf: NOW - 5, sub: "uid:1000" });
    const approval = verifyApproval(
      unverified(envelope(body, ["bob-2", "alice-1"])),
      subject(),
      trustOf(),
      NOW_MS,
    );
    expect(approval).toMatchObject({
      scheme: "dsse",
      iss: "alice",
      jti: "jti-1",
      uses: 1,
      issuedAt: NOW - 10,
      expiresAt: NOW + 290,
      bodyDigest: sha256(utf8Encode(JSON.stringify(body))),
      reference: {
        scheme: "dsse",
        iss: "alice",
        jti: "jti-1",
        signers: [{ name: "bob", keyid: "bob-2", ...PLAIN_KEY }, {
          name: "alice",
          keyid: "alice-1",
          ...PLAIN_KEY,
        }],
      },
    });
  });

  test("says how many executions a grant may start", () => {
    const grant = envelope(claims({ uses: 10_000, nonce: undefined }));
    expect(verifyApproval(unverified(grant), subject({ nonce: "any" }), trustOf(), NOW_MS).uses)
      .toBe(10_000);
  });

  test("comes through one door only, and nothing that looks like one passes for one", () => {
    expect(Object.keys(door).toSorted()).toEqual([
      "verifyApproval",
      "verifyReplay",
      "verifySignatures",
    ]);
    expectTypeOf<Verified>().not.toExtend<Approval>();
    expectTypeOf<ApprovalReference>().not.toExtend<Approval>();
    expectTypeOf<Pick<Approval, keyof Approval>>().not.toExtend<Approval>();
    expectTypeOf<ReturnType<typeof verifyReplay>>().not.toExtend<Approval>();
  });
});

describe("the bounds of time", () => {
  test.each([
    ["issued this second", { iat: NOW }, "ok"],
    ["issued in the next", { iat: NOW + 1 }, "approval_not_yet_valid"],
    ["valid from this second", { nbf: NOW }, "ok"],
    ["valid from the next", { nbf: NOW + 1 }, "approval_not_yet_valid"],
    ["expires in the next second", { exp: NOW + 1 }, "ok"],
    ["expires this second", { exp: NOW }, "approval_expired"],
    ["lives as long as allowed", { exp: NOW - 10 + 900 }, "ok"],
    ["lives a second longer", { exp: NOW - 10 + 901 }, "approval_ttl_too_long"],
    [
      "nbf does not shorten the life that is counted",
      { nbf: NOW, exp: NOW + 891 },
      "approval_ttl_too_long",
    ],
  ])("%s", (_, changes, code) => {
    expect(verdict(envelope(claims(changes)))).toBe(code);
  });

  test("a millisecond decides", () => {
    const json = envelope(claims({ iat: NOW, exp: NOW + 1 }));
    expect(verdict(json, {}, trustOf(), NOW_MS - 1)).toBe("approval_not_yet_valid");
    expect(verdict(json, {}, trustOf(), NOW_MS + 999)).toBe("ok");
    expect(verdict(json, {}, trustOf(), NOW_MS + 1000)).toBe("approval_expired");
  });

  test("a clock that shows no number refuses", () => {
    expect(verdict(envelope(), {}, trustOf(), NaN)).toBe("approval_not_yet_valid");
    const approval = verifyApproval(unverified(envelope()), subject(), trustOf(), NOW_MS);
    expect(codeOf(() => approval.recheck(NaN, trustOf()))).toBe("approval_not_yet_valid");
  });

  test("the smallest max_ttl of the signers counts, whoever issued", () => {
    const trust = trustOf([approver("alice"), approver("bob", { maxTtlSeconds: 60 })]);
    expect(verdict(envelope(claims(), ["alice-1"]), {}, trust)).toBe("ok");
    expect(verdict(envelope(claims(), ["alice-1", "bob-1"]), {}, trust)).toBe(
      "approval_ttl_too_long",
    );
  });

  test.each([
    [{ notBefore: NOW, notAfter: NOW }, "ok"],
    [{ notBefore: NOW + 1 }, "approval_signer_unknown"],
    [{ notAfter: NOW - 1 }, "approval_signer_unknown"],
  ])("a key with the window %j", (window, code) => {
    const trust = trustOf([approver("alice", { keys: [approverPublicKey("alice-1", window)] })]);
    expect(verdict(envelope(), {}, trust)).toBe(code);
  });
});

test.each([
  ["all that was shown", {}, "ok"],
  ["nobody to use it", { sub: undefined }, "approval_subject_mismatch"],
  ["a socket to use it", { sub: "socket:agent.sock" }, "approval_subject_mismatch"],
  ["another uid", { sub: "uid:1001" }, "approval_subject_mismatch"],
  ["no nonce", { nonce: undefined, uses: 2 }, "approval_nonce_mismatch"],
  ["another nonce", { nonce: "n-2" }, "approval_nonce_mismatch"],
  ["no handler", { handler_digest: undefined }, "approval_handler_mismatch"],
  ["another handler", { handler_digest: digestOf(utf8Encode("x")) }, "approval_handler_mismatch"],
])("an approval of a proposal that names %s", (_, changes, code) => {
  const shown = { sub: "uid:1000", handler_digest: HANDLER_DIGEST };
  expect(verdict(envelope(claims({ ...shown, ...changes })), { isProposal: true })).toBe(code);
});

describe("who may use it, and for what", () => {
  test.each([
    ["uid:1000", "ok"],
    ["uid:100", "approval_subject_mismatch"],
    ["uid:10000", "approval_subject_mismatch"],
    ["socket:agent.sock", "ok"],
    ["socket:agent", "approval_subject_mismatch"],
    ["uid:01000", "approval_malformed"],
    ["uid:+1000", "approval_malformed"],
    ["uid: 1000", "approval_malformed"],
    ["uid:", "approval_malformed"],
    ["socket:", "approval_malformed"],
    ["socket:../agent.sock", "approval_malformed"],
    ["UID:1000", "approval_malformed"],
    ["*", "approval_malformed"],
    ["", "approval_malformed"],
  ])("sub %j: %s", (sub, code) => {
    expect(verdict(envelope(claims({ sub })))).toBe(code);
  });

  test("a tenant where none is configured is as wrong as none where one is", () => {
    const none = new TrustStore(
      { approvers: [approver("alice")], clawshield: null, tenant: null },
      EXECUTOR_ID,
    );
    expect(verdict(envelope(claims()), {}, none)).toBe("approval_tenant_mismatch");
    expect(verdict(envelope(claims({ tenant: undefined })), {}, none)).toBe("ok");
    expect(verdict(envelope(claims({ tenant: undefined })))).toBe("approval_tenant_mismatch");
  });

  test("a grant is bound to action and payload, not to a nonce", () => {
    const grant = envelope(claims({ uses: 2, nonce: undefined }));
    expect(verdict(grant, { nonce: "another" })).toBe("ok");
    expect(verdict(grant, { actionDigest: digestOf(new Uint8Array()) })).toBe(
      "approval_action_mismatch",
    );
    expect(verdict(grant, { action: "other" })).toBe("approval_action_mismatch");
  });

  test("people are counted, not keys and not signatures", () => {
    const two = { needed: needed(2) };
    expect(verdict(envelope(claims(), ["alice-1", "alice-2"]), two)).toBe(
      "approval_signers_insufficient",
    );
    expect(verdict(envelope(claims(), ["alice-1", "alice-1"]), two)).toBe(
      "approval_signers_insufficient",
    );
    expect(verdict(envelope(claims(), ["alice-1", "mallory-1"]), two)).toBe(
      "approval_signers_insufficient",
    );
    expect(verdict(envelope(claims(), ["alice-1", "bob-1"]), two)).toBe("ok");
  });

  test("one signer outside the action's scope spoils the whole", () => {
    const trust = trustOf([approver("alice"), approver("carol", { actions: new Set(["other"]) })]);
    expect(verdict(envelope(claims(), ["alice-1", "carol-1"]), {}, trust)).toBe(
      "approval_scope_denied",
    );
  });
});

describe("the signed body", () => {
  const body = JSON.stringify(claims());
  test.each([
    ["an array", "[]"],
    ["null", "null"],
    ["nothing", ""],
    ["a byte-order mark", `\ufeff${body}`],
    ["text behind it", `${body} 1`],
    ["a claim twice, spelled with an escape", body.replace("{", '{"\\u0069ss":"bob",')],
    ["a claim named __proto__", body.replace("{", '{"__proto__":{"uses":5},')],
    ["a claim named constructor", body.replace("{", '{"constructor":1,')],
    ["null for an optional claim", body.replace("{", '{"nbf":null,')],
    ["a time in text", body.replace(/"exp":\d+/, '"exp":"1800000290"')],
    ["a negative time", body.replace(/"iat":\d+/, '"iat":-1')],
    ["a time past 2^53", body.replace(/"exp":\d+/, '"exp":1e300')],
    ["an audience list", body.replace(/"aud":"[^"]+"/, `"aud":["${EXECUTOR_ID}"]`)],
    ["a jti of 256 characters", body.replace("jti-1", "j".repeat(256))],
    ["a jti with a space", body.replace("jti-1", "jti 1")],
    ["an empty iss", body.replace('"iss":"alice"', '"iss":""')],
    ["uses as a fraction", body.replace("{", '{"uses":1.5,')],
    ["a digest in capitals", body.replace(/sha256:[0-9a-f]+/, (digest) => digest.toUpperCase())],
    ["a handler digest of another length", body.replace("{", '{"handler_digest":"sha256:00",')],
  ])("refuses %s", (_, text) => {
    expect(verdict(envelope(text))).toBe("approval_malformed");
  });

  test("takes a jti of 255 characters", () => {
    expect(verdict(envelope(claims({ jti: "j".repeat(255) })))).toBe("ok");
  });
});

describe("the envelope", () => {
  test("a signature is over the type: the same body signed as another type is refused", () => {
    const asOther = envelope(claims(), ["alice-1"], "application/vnd.openexec.receipt.v1+json");
    expect(verdict(asOther)).toBe("approval_malformed");
    expect(verdict({ ...asOther, payloadType: envelope()["payloadType"] ?? null })).toBe(
      "approval_signature_invalid",
    );
  });

  test("a key's signature under another keyid is refused", () => {
    const swapped = JSON.parse(JSON.stringify(envelope()).replace("alice-1", "bob-1"));
    expect(verdict(swapped)).toBe("approval_signature_invalid");
  });

  test("a known key whose window has passed is a stranger: its signature is not checked", () => {
    const trust = trustOf([
      approver("alice", {
        keys: [approverPublicKey("alice-1"), approverPublicKey("alice-2", { notAfter: NOW - 1 })],
      }),
    ]);
    const garbled = JSON.parse(JSON.stringify(envelope(claims(), ["alice-1", "alice-2"])));
    garbled.signatures[1].sig = base64Encode(new Uint8Array(64));
    expect(verdict(garbled, {}, trust)).toBe("ok");
    expect(verdict(garbled)).toBe("approval_signature_invalid");
  });

  test("no spelling of the base64 changes what was signed", () => {
    const json = envelope();
    const payload = String(json["payload"]);
    const digest = (text: string) =>
      verifyApproval(unverified({ ...json, payload: text }), subject(), trustOf(), NOW_MS)
        .bodyDigest;
    expect(digest(payload.replaceAll("=", ""))).toEqual(digest(payload));
    expect(digest(payload)).toEqual(sha256(base64Decode(payload) ?? new Uint8Array()));
  });

  test.each([["null", null], ["text", "x"], ["a list", []], ["an empty object", {}]])(
    "is not %s",
    (_, json) => {
      expect(verdict(json)).toBe("approval_malformed");
    },
  );
});

describe("recheck()", () => {
  const trust = trustOf();
  const approval = () =>
    verifyApproval(unverified(envelope(claims(), ["alice-1", "bob-1"])), subject(), trust, NOW_MS);
  const again = (nowMs: number, store: TrustStore) =>
    codeOf(() => approval().recheck(nowMs, store));

  test("passes while nothing changed", () => {
    expect(again(NOW_MS, trust)).toBe("ok");
    expect(again(NOW_MS + 289_999, trust)).toBe("ok");
    expect(again(NOW_MS, trustOf())).toBe("ok");
  });

  test("refuses once it has expired, and before it was issued", () => {
    expect(again(NOW_MS + 290_000, trust)).toBe("approval_expired");
    expect(again(NOW_MS - 11_000, trust)).toBe("approval_not_yet_valid");
  });

  test("passes in the very second from which it is valid", () => {
    const json = unverified(envelope(claims({ iat: NOW })));
    const now = verifyApproval(json, subject(), trust, NOW_MS);
    expect(codeOf(() => now.recheck(NOW_MS, trust))).toBe("ok");
  });

  test("refuses another key of the same person than the one that was counted", () => {
    const knowing = (keyid: string) =>
      trustOf([approver("alice", { keys: [approverPublicKey(keyid)] })]);
    const json = unverified(envelope(claims(), ["alice-1", "alice-2"]));
    const one = verifyApproval(json, subject(), knowing("alice-1"), NOW_MS);
    expect(codeOf(() => one.recheck(NOW_MS, knowing("alice-1")))).toBe("ok");
    expect(codeOf(() => one.recheck(NOW_MS, knowing("alice-2")))).toBe("approval_signer_unknown");
  });

  test("refuses once a counted key is past its window", () => {
    const windowed = trustOf([
      approver("alice", { keys: [approverPublicKey("alice-1", { notAfter: NOW })] }),
    ]);
    const one = verifyApproval(unverified(envelope()), subject(), windowed, NOW_MS);
    expect(codeOf(() => one.recheck(NOW_MS, windowed))).toBe("ok");
    expect(codeOf(() => one.recheck(NOW_MS + 1, windowed))).toBe("approval_signer_unknown");
  });

  test.each([
    ["its issuer", [approver("bob")], "approval_signer_unknown"],
    ["another signer, though one would be enough", [approver("alice")], "approval_signer_unknown"],
    ["nobody, but narrowed an approver's actions", [
      approver("alice", { actions: new Set(["other"]) }),
      approver("bob"),
    ], "approval_scope_denied"],
    [
      "nobody, but shortened a lifetime",
      [approver("alice", { maxTtlSeconds: 1 }), approver("bob")],
      "approval_ttl_too_long",
    ],
    ["a key and gave its keyid to another", [
      approver("alice", { keys: [{ ...approverPublicKey("bob-2"), keyid: "alice-1" }] }),
      approver("bob", { keys: [approverPublicKey("bob-1")] }),
    ], "approval_signature_invalid"],
  ])("looks at a reloaded trust store, which removed %s", (_, approvers, code) => {
    expect(again(NOW_MS, trustOf(approvers))).toBe(code);
  });
});

describe("verifyReplay()", () => {
  const replay = (
    json: Parameters<typeof unverified>[0],
    trust = trustOf(),
    changes = {},
    reservedAtMs = NOW_MS,
  ) => codeOf(() => verifyReplay(unverified(json), subject(changes), trust, reservedAtMs));

  test("does not look at age", () => {
    expect(replay(envelope(claims({ iat: NOW - 90_000, exp: NOW - 89_900 })))).toBe("ok");
    expect(replay(envelope(claims({ iat: NOW + 90_000, exp: NOW + 90_100 })))).toBe("ok");
  });

  test("counts the keys that counted when the execution was reserved", () => {
    const trust = trustOf([
      approver("alice", {
        keys: [
          approverPublicKey("alice-1", { notAfter: NOW }),
          approverPublicKey("alice-2", { notBefore: NOW + 1 }),
        ],
      }),
    ]);
    expect(replay(envelope(claims(), ["alice-1"]), trust)).toBe("ok");
    expect(replay(envelope(claims(), ["alice-2"]), trust)).toBe("approval_signer_unknown");
  });

  test("refuses everything else that is wrong", () => {
    expect(replay(envelope(), trustOf([approver("bob")]))).toBe("approval_signer_unknown");
    expect(replay(envelope(claims({ exp: NOW + 5000 })))).toBe("approval_ttl_too_long");
    expect(replay(envelope(), trustOf(), { nonce: "n-2" })).toBe("approval_nonce_mismatch");
    expect(replay(envelope(), trustOf(), { needed: needed(2) })).toBe(
      "approval_signers_insufficient",
    );
    const another = digestOf(utf8Encode("another payload"));
    expect(replay(envelope(), trustOf(), { actionDigest: another })).toBe(
      "approval_action_mismatch",
    );
  });

  test("names the approval", () => {
    expect(verifyReplay(unverified(envelope()), subject(), trustOf(), NOW_MS)).toEqual({
      scheme: "dsse",
      iss: "alice",
      jti: "jti-1",
      signers: [{ name: "alice", keyid: "alice-1", ...PLAIN_KEY }],
    });
  });
});
