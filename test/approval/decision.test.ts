/** The checks of a decline, in their order: one with two faults is refused for the first. */

import { expect, test } from "vitest";
import { type DecisionSubject, verifyDecision } from "../../src/approval/decision.ts";
import { TrustStore } from "../../src/approval/trust.ts";
import { APPROVAL_TYPE, DECISION_TYPE } from "../../src/core/signed_claims.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import { digestOf } from "../../src/core/sha.ts";
import { type Json, PLAIN_KEY } from "../../src/core/types.ts";
import {
  approver,
  approverPublicKey,
  envelope,
  EXECUTOR_ID,
  NOW,
  NOW_MS,
  TENANT,
  trustOf,
} from "../support/approvals.ts";
import { codeOf } from "../support/refusals.ts";

const PROPOSAL = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER = "01890a5d-ac96-774b-bcce-b302099a8058";
const SUBJECT: DecisionSubject = {
  proposal: PROPOSAL,
  action: "echo",
  actionDigest: digestOf(utf8Encode("what is asked")),
  proposedAtMs: NOW_MS - 10_900,
};

const claims = (changes: Readonly<Record<string, Json>> = {}) => ({
  iss: "alice",
  aud: EXECUTOR_ID,
  iat: NOW - 1,
  tenant: TENANT,
  proposal: PROPOSAL,
  action_digest: SUBJECT.actionDigest,
  decision: "decline",
  reason: "not today",
  ...changes,
});

const signed = (
  changes: Readonly<Record<string, Json>> = {},
  keyids: readonly string[] = ["alice-1"],
  type = DECISION_TYPE,
) => envelope(claims(changes), keyids, type);

const verdict = (value: unknown, subject: Partial<DecisionSubject> = {}, trust = trustOf()) =>
  codeOf(() => verifyDecision(value, { ...SUBJECT, ...subject }, trust, NOW_MS));

test("a decline says who signed it, with what kind of key, and why", () => {
  expect(verifyDecision(signed(), SUBJECT, trustOf(), NOW_MS)).toEqual({
    by: { name: "alice", keyid: "alice-1", ...PLAIN_KEY },
    reason: "not today",
  });
});

const wrongKey = { ...signed({ aud: "openexec:other" }), signatures: signed()["signatures"] };

test.each([
  ["no envelope", null, "decision_malformed"],
  ["an approval's type", signed({}, ["alice-1"], APPROVAL_TYPE), "decision_malformed"],
  ["no signature", signed({}, []), "decision_malformed"],
  ["two signatures", signed({}, ["alice-1", "bob-1"]), "decision_malformed"],
  ["a body that is no decision", signed({ decision: "yes" }, ["stranger"]), "decision_malformed"],
  ["a stranger's key", signed({ iss: "bob" }, ["stranger"]), "approval_signer_unknown"],
  ["a signature over something else", wrongKey, "approval_signature_invalid"],
  ["another's name", signed({ iss: "bob", iat: NOW + 1 }), "approval_signer_unknown"],
  ["the next second", signed({ iat: NOW + 1, aud: "openexec:other" }), "approval_not_yet_valid"],
  ["a time before it was asked", signed({ iat: NOW - 12, aud: "x" }), "approval_expired"],
  ["another executor", signed({ aud: "x", tenant: "t2" }), "approval_audience_mismatch"],
  ["another tenant", signed({ tenant: "t2", proposal: OTHER }), "approval_tenant_mismatch"],
  ["another proposal", signed({ proposal: OTHER }), "approval_action_mismatch"],
  [
    "another payload",
    signed({ action_digest: digestOf(utf8Encode("other")) }),
    "approval_action_mismatch",
  ],
])("a decline with %s is refused: %s", (_, value, code) => expect(verdict(value)).toBe(code));

test("who may not approve the action may not decline it, and is told so last", () => {
  const declinedBy = (changes: Readonly<Record<string, Json>>) =>
    verdict(signed({ iss: "carol", ...changes }, ["carol-1"]), { action: "add" });
  expect(declinedBy({ proposal: OTHER })).toBe("approval_action_mismatch");
  expect(declinedBy({})).toBe("approval_scope_denied");
  expect(verdict(signed({ iss: "carol" }, ["carol-1"]))).toBe("ok");
});

test("it counts from the second in which it was asked, up to the present one", () => {
  expect(verdict(signed({ iat: NOW - 11 }))).toBe("ok");
  expect(verdict(signed({ iat: NOW }))).toBe("ok");
  expect(verdict(signed(), { proposedAtMs: NaN })).toBe("approval_expired");
});

test("a key counts within its window", () => {
  const until = (notAfter: number) =>
    trustOf([approver("alice", { keys: [approverPublicKey("alice-1", { notAfter })] })]);
  expect(verdict(signed(), {}, until(NOW))).toBe("ok");
  expect(verdict(signed(), {}, until(NOW - 1))).toBe("approval_signer_unknown");
});

test("it names the tenant that is served, and none where none is", () => {
  const { tenant: _, ...rest } = claims();
  const unnamed = envelope(rest, ["alice-1"], DECISION_TYPE);
  const none = new TrustStore(
    { approvers: [approver("alice")], clawshield: null, tenant: null },
    EXECUTOR_ID,
  );
  expect(verdict(unnamed)).toBe("approval_tenant_mismatch");
  expect(verdict(unnamed, {}, none)).toBe("ok");
  expect(verdict(signed(), {}, none)).toBe("approval_tenant_mismatch");
});
