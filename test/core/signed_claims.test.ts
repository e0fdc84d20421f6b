import fc from "fast-check";
import { expect, test } from "vitest";
import { approveRequest, newApproverKey, newRequest, readApproval } from "../../src/client/mod.ts";
import { isSubject, parseApprovalClaims } from "../../src/core/signed_claims.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import { codeOf } from "../support/refusals.ts";

const NOW = 1_800_000_000;
const CLAIMS = {
  iss: "alice",
  aud: "openexec:host",
  jti: "1",
  iat: NOW,
  exp: NOW + 300,
  action: "pay",
  action_digest: `sha256:${"0".repeat(64)}`,
  nonce: "n",
};

const verdict = (changes: Record<string, unknown>) =>
  codeOf(() => parseApprovalClaims(utf8Encode(JSON.stringify({ ...CLAIMS, ...changes }))));

test.each([
  {},
  { sub: "uid:0" },
  { sub: "socket:agent one.sock" },
  { uses: 1 },
  { uses: 2, nonce: undefined },
  { nbf: NOW, tenant: "t", handler_digest: CLAIMS.action_digest },
])("reads claims with %j", (changes) => expect(verdict(changes)).toBe("ok"));

test.each([
  { iss: undefined },
  { jti: "" },
  { iat: 1.5 },
  { exp: -1 },
  { sub: "bob" },
  { sub: "uid:01" },
  { sub: "socket:a/b" },
  { uses: 0 },
  { uses: 10_001, nonce: undefined },
  { uses: 2 },
  { nonce: undefined },
  { action_digest: "sha256:00" },
  { role: "admin" },
])("refuses claims with %j", (changes) => expect(verdict(changes)).toBe("approval_malformed"));

test("refuses a body that is not I-JSON", () => {
  const twice = utf8Encode(JSON.stringify(CLAIMS).replace("{", '{"iss":"mallory",'));
  expect(codeOf(() => parseApprovalClaims(twice))).toBe("approval_malformed");
});

test("a client makes no approval that a daemon would not read, whatever its terms", async () => {
  const key = newApproverKey({ keyid: "alice-1", name: "alice" });
  const request = newRequest("pay", { amount: 5 }, "n-1");
  const text = fc.oneof(
    fc.constantFrom("uid:7", "uid:007", "socket:a.sock", "socket:", "bob", ""),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "grapheme" }).map((name) => `socket:${name}`),
  );
  const terms = fc.record({
    iss: fc.constant("alice"),
    aud: fc.oneof(fc.constant("host"), text),
    sub: text,
    tenant: text,
    uses: fc.integer({ min: -1, max: 10_001 }),
    ttlSeconds: fc.integer({ min: -1, max: 600 }),
  }, { requiredKeys: ["iss", "aud"] });
  await fc.assert(fc.asyncProperty(terms, async (asked) => {
    let made;
    try {
      made = await approveRequest(request, [key], asked, NOW);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      return;
    }
    expect(readApproval(made)?.claims.sub).toBe(asked.sub);
    if (asked.sub !== undefined) expect(isSubject(asked.sub)).toBe(true);
  }));
});
