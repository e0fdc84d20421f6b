import { expect, test } from "vitest";
import { mayApprove } from "../../src/approval/trust.ts";
import { approver, approverPublicKey, NOW, NOW_MS, trustOf } from "../support/approvals.ts";

test("keyAt() knows a key while it is valid, both bounds included", () => {
  const window = { notBefore: NOW, notAfter: NOW + 1 };
  const trust = trustOf([approver("alice", { keys: [approverPublicKey("alice-1", window)] })]);
  expect(trust.keyAt("alice-1", NOW_MS - 1)).toBeUndefined();
  expect(trust.keyAt("alice-1", NOW_MS)?.approver.name).toBe("alice");
  expect(trust.keyAt("alice-1", NOW_MS + 1000)?.approver.name).toBe("alice");
  expect(trust.keyAt("alice-1", NOW_MS + 1001)).toBeUndefined();
});

test.each(["alice-3", "", "__proto__", "constructor", "ALICE-1"])(
  "keyAt() knows no %j",
  (keyid) => {
    expect(trustOf().keyAt(keyid, NOW_MS)).toBeUndefined();
  },
);

test.each([
  ["keyid", { ...approverPublicKey("mallory-1"), keyid: "alice-1" }],
  ["public key", { ...approverPublicKey("alice-1"), keyid: "mallory-1" }],
])("a %s that appears twice makes no trust store", (_, key) => {
  expect(() => trustOf([approver("alice"), approver("mallory", { keys: [key] })])).toThrow(
    RangeError,
  );
});

test("mayApprove() takes names as they are, and * for all", () => {
  expect(mayApprove(approver("a", { actions: new Set(["*"]) }), "anything")).toBe(true);
  expect(mayApprove(approver("a", { actions: new Set(["echo"]) }), "echo")).toBe(true);
  expect(mayApprove(approver("a", { actions: new Set(["echo"]) }), "echo2")).toBe(false);
  expect(mayApprove(approver("a", { actions: new Set(["ec*"]) }), "echo")).toBe(false);
  expect(mayApprove(approver("a", { actions: new Set() }), "*")).toBe(false);
});
