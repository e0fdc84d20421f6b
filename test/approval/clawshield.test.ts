import { describe, expect, test } from "vitest";
import { legacyActionHash, parseLegacyTime } from "../../src/approval/clawshield.ts";
import { TrustStore } from "../../src/approval/trust.ts";
import { verifyApproval, verifyReplay } from "../../src/approval/verify.ts";
import { base64Encode, hexEncode, utf8Encode } from "../../src/core/bytes.ts";
import { parseIJson } from "../../src/core/json/json.ts";
import { sha256 } from "../../src/core/sha.ts";
import {
  EXECUTOR_ID,
  needed,
  NOW_MS,
  signerNamed,
  subject,
  unverified,
} from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";

const TENANT = "tenant-001";

const PAYLOAD = '{"amount":12,"to":"someone"}';
const HASH = hexEncode(sha256(utf8Encode(`{"action":"echo","payload":${PAYLOAD}}`)));

interface Fields {
  approval_id: string;
  tenant_id: string;
  action_hash: string;
  issued_at: string;
  expires_at: string;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

function fields(changes: Partial<Fields> = {}): Fields {
  return {
    approval_id: "id-7",
    tenant_id: TENANT,
    action_hash: HASH,
    issued_at: isoOf(NOW_MS),
    expires_at: isoOf(NOW_MS + 300_000),
    ...changes,
  };
}

function messageOf(
  { approval_id, tenant_id, action_hash, issued_at, expires_at }: Fields,
): Uint8Array {
  return utf8Encode(approval_id + tenant_id + action_hash + issued_at + expires_at);
}

function artifact(changes: Partial<Fields> = {}) {
  const all = fields(changes);
  return { ...all, signature: base64Encode(signerNamed("clawshield").sign(messageOf(all))) };
}

function trustOf(changes: { actions?: ReadonlySet<string>; tenant?: string } = {}): TrustStore {
  const publicKey = signerNamed("clawshield").publicKey;
  return new TrustStore({
    approvers: [],
    tenant: null,
    clawshield: {
      publicKey,
      tenant: TENANT,
      actions: new Set(["*"]),
      maxTtlSeconds: 900,
      ...changes,
    },
  }, EXECUTOR_ID);
}

const verdict = (
  json: Parameters<typeof unverified>[0],
  changes = {},
  trust = trustOf(),
  nowMs = NOW_MS,
) => codeOf(() => verifyApproval(unverified(json, "clawshield"), subject(changes), trust, nowMs));

describe("a ClawShield artifact", () => {
  test("is a single-use approval named by the hash of its message, not by its approval_id", () => {
    const approval = verifyApproval(
      unverified(artifact(), "clawshield"),
      subject(),
      trustOf(),
      NOW_MS,
    );
    const hash = sha256(messageOf(fields()));
    expect(approval).toMatchObject({
      scheme: "clawshield",
      iss: "clawshield",
      jti: hexEncode(hash),
      uses: 1,
      issuedAt: NOW_MS / 1000,
      expiresAt: NOW_MS / 1000 + 300,
      bodyDigest: hash,
    });
    expect(JSON.stringify(approval)).not.toContain("id-7");
  });

  test("keeps its name when a boundary between fields moves", () => {
    const one = artifact({ approval_id: "id-", tenant_id: `7${TENANT}` });
    const two = artifact({ approval_id: "id-7", tenant_id: TENANT });
    expect(one.signature).toBe(two.signature);
    const jti = (json: typeof one, tenant: string) =>
      verifyApproval(unverified(json, "clawshield"), subject(), trustOf({ tenant }), NOW_MS).jti;
    expect(jti(one, `7${TENANT}`)).toBe(jti(two, TENANT));
  });

  test.each([
    [
      "is not configured",
      artifact(),
      {},
      new TrustStore({ approvers: [], tenant: null, clawshield: null }, "x"),
      "approval_signer_unknown",
    ],
    [
      "approves another action",
      artifact(),
      { legacyActionHash: legacyActionHash("other", parseIJson(PAYLOAD)) },
      trustOf(),
      "approval_action_mismatch",
    ],
    [
      "approves 12, not 12.0",
      artifact(),
      { legacyActionHash: legacyActionHash("echo", parseIJson('{"amount":12.0,"to":"someone"}')) },
      trustOf(),
      "approval_action_mismatch",
    ],
    [
      "was issued later than now",
      artifact({ issued_at: isoOf(NOW_MS + 1000) }),
      {},
      trustOf(),
      "approval_not_yet_valid",
    ],
    [
      "was issued so much later that its life looks short",
      artifact({
        issued_at: "2099-01-01T00:00:00",
        expires_at: "2099-01-01T00:05:00",
      }),
      {},
      trustOf(),
      "approval_not_yet_valid",
    ],
    [
      "lives too long",
      artifact({ expires_at: isoOf(NOW_MS + 901_000) }),
      {},
      trustOf(),
      "approval_ttl_too_long",
    ],
    [
      "is for an action out of scope",
      artifact(),
      {},
      trustOf({ actions: new Set(["other"]) }),
      "approval_scope_denied",
    ],
    [
      "is one approver where two are needed",
      artifact(),
      { needed: needed(2) },
      trustOf(),
      "approval_signers_insufficient",
    ],
    [
      "has a signature of another length",
      { ...artifact(), signature: "AAAA" },
      {},
      trustOf(),
      "approval_malformed",
    ],
    [
      "has a number for a field",
      { ...artifact(), approval_id: 7 },
      {},
      trustOf(),
      "approval_malformed",
    ],
    [
      "has an empty approval_id",
      artifact({ approval_id: "" }),
      {},
      trustOf(),
      "approval_malformed",
    ],
  ])("is refused when it %s", (_, json, changes, trust, code) => {
    expect(verdict(json, changes, trust)).toBe(code);
  });

  test("expires to the microsecond", () => {
    const json = artifact({ expires_at: `${isoOf(NOW_MS)}.000500` });
    expect(verdict(json, {}, trustOf(), NOW_MS)).toBe("ok");
    expect(verdict(json, {}, trustOf(), NOW_MS + 1)).toBe("approval_expired");
  });

  test("may carry members that are not signed, as OpenExec takes them", () => {
    expect(verdict({ ...artifact(), issued_by: "clawshield" })).toBe("ok");
  });

  test("is no DSSE approval, and the other way round", () => {
    expect(codeOf(() => verifyApproval(unverified(artifact()), subject(), trustOf(), NOW_MS))).toBe(
      "approval_malformed",
    );
  });

  test("replays after it expired, and only with the same request", () => {
    const later = (changes = {}) =>
      codeOf(() =>
        verifyReplay(
          unverified(artifact({ expires_at: isoOf(NOW_MS) }), "clawshield"),
          subject(changes),
          trustOf(),
          NOW_MS,
        )
      );
    expect(later()).toBe("ok");
    expect(later({ legacyActionHash: legacyActionHash("other", parseIJson(PAYLOAD)) })).toBe(
      "approval_action_mismatch",
    );
  });

  test("is looked at again with the trust store of the day", () => {
    const approval = verifyApproval(
      unverified(artifact(), "clawshield"),
      subject(),
      trustOf(),
      NOW_MS,
    );
    expect(codeOf(() => approval.recheck(NOW_MS, trustOf()))).toBe("ok");
    expect(codeOf(() => approval.recheck(NOW_MS, trustOf({ tenant: "another" })))).toBe(
      "approval_tenant_mismatch",
    );
    expect(codeOf(() => approval.recheck(NOW_MS + 300_000, trustOf()))).toBe("approval_expired");
  });

  test("names the first thing wrong in its order of checks", () => {
    const spoiled = [
      ["approval_malformed", { expires_at: "never" }],
      ["approval_action_mismatch", { action_hash: "0".repeat(64) }],
      ["approval_expired", { expires_at: isoOf(NOW_MS - 1000) }],
      ["approval_ttl_too_long", { issued_at: isoOf(NOW_MS - 10_000_000) }],
    ] as const;
    const tenant = { tenant_id: "another" };
    const forged = (changes: Partial<Fields>) => ({
      ...artifact(),
      ...fields({ ...tenant, ...changes }),
    });
    expect(verdict({ ...artifact(tenant) })).toBe("approval_tenant_mismatch");
    expect(verdict(forged({}))).toBe("approval_signature_invalid");
    spoiled.reduceRight<Partial<Fields>>((wrong, [code, change]) => {
      const more = { ...wrong, ...change };
      expect(verdict(forged(more))).toBe(code);
      return more;
    }, {});
  });
});

const EIGHT = Date.UTC(2027, 0, 15, 8);

test.each([
  ["2027-01-15T08:00:00", EIGHT],
  ["2027-01-15T08:00:00Z", EIGHT],
  ["2027-01-15T08:00:00+00:00", EIGHT],
  ["2027-01-15T09:30:00+01:30", EIGHT],
  ["2027-01-14T20:00:00-12:00", EIGHT],
  ["2027-01-15T08:00:00.5", EIGHT + 500],
  ["2027-01-15T08:00:00.000250", EIGHT + 0.25],
  ["2028-02-29T00:00:00", Date.UTC(2028, 1, 29)],
  ["2027-12-31T23:59:59", Date.UTC(2027, 11, 31, 23, 59, 59)],
])("parseLegacyTime() reads %s", (text, ms) => {
  expect(parseLegacyTime(text)).toBe(ms);
});

test.each([
  "",
  "tomorrow",
  "2027-01-15",
  "2027-01-15 08:00:00",
  "2027-01-15T08:00",
  "2027-01-15T24:00:00",
  "2027-01-15T08:60:00",
  "2027-01-15T08:00:60",
  "2027-02-29T08:00:00",
  "2027-13-01T08:00:00",
  "2027-00-01T08:00:00",
  "2027-01-00T08:00:00",
  "0027-01-15T08:00:00",
  "2027-01-15T08:00:00.",
  "2027-01-15T08:00:00.1234567",
  "2027-01-15T08:00:00+24:00",
  "2027-01-15T08:00:00+0100",
  "2027-01-15T08:00:00+01:00:00",
  "2027-01-15T08:00:00z",
  " 2027-01-15T08:00:00",
  "2027-01-15T08:00:00\n",
  "٢٠٢٧-01-15T08:00:00",
])("parseLegacyTime() refuses %j", (text) => {
  expect(parseLegacyTime(text)).toBeUndefined();
});
