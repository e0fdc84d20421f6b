import { expect, test } from "vitest";
import { utf8Encode } from "../../src/core/bytes.ts";
import { DECISION_TYPE, parseDecisionClaims } from "../../src/core/signed_claims.ts";
import { isReason, REASON_LENGTH_MAX } from "../../src/core/limits.ts";
import { codeOf } from "../support/refusals.ts";

const CLAIMS = {
  iss: "alice",
  aud: "openexec:host-1",
  iat: 1_780_000_000,
  proposal: "01890a5d-ac96-774b-bcce-b302099a8057",
  action_digest: `sha256:${"a".repeat(64)}`,
  decision: "decline",
  reason: "not today",
};

const parse = (claims: object) => parseDecisionClaims(utf8Encode(JSON.stringify(claims)));

test("a decline parses, with a tenant or without", () => {
  expect(DECISION_TYPE).toBe("application/vnd.openexec.decision.v1+json");
  expect({ ...parse(CLAIMS) }).toEqual(CLAIMS);
  expect({ ...parse({ ...CLAIMS, tenant: "t1" }) }).toEqual({ ...CLAIMS, tenant: "t1" });
});

const wrong: Record<string, object> = {
  "an unknown claim": { ...CLAIMS, nonce: "n-1" },
  "another decision": { ...CLAIMS, decision: "approve" },
  "no reason": { ...CLAIMS, reason: undefined },
  "a reason that is too long": { ...CLAIMS, reason: "x".repeat(REASON_LENGTH_MAX + 1) },
  "a time with a fraction": { ...CLAIMS, iat: 1.5 },
  "an id that is no UUIDv7": { ...CLAIMS, proposal: "p-1" },
  "a digest of another form": { ...CLAIMS, action_digest: "sha256:AA" },
};

for (const [what, claims] of Object.entries(wrong)) {
  test(`${what} is decision_malformed`, () => {
    expect(codeOf(() => parse(claims))).toBe("decision_malformed");
  });
}

test("a body that is no I-JSON is decision_malformed", () => {
  expect(codeOf(() => parseDecisionClaims(utf8Encode('{"iss":1,"iss":1}')))).toBe(
    "decision_malformed",
  );
});

test("a reason counts characters, not code units, and is well-formed", () => {
  expect(isReason("💳".repeat(REASON_LENGTH_MAX))).toBe(true);
  expect(isReason("💳".repeat(REASON_LENGTH_MAX + 1))).toBe(false);
  expect(isReason("\ud800")).toBe(false);
});
