import { expect, test } from "vitest";
import { Refusal } from "../../src/core/errors.ts";
import { receipt, refusalOf, reservation, scene, settlement } from "./scene.ts";

test("reserve() returns the execution as it is found again by id and by nonce", async () => {
  await using s = await scene();
  const asked = reservation({ nonce: "n-1" });
  const reserved = await s.ledger.reserve(asked);
  expect(reserved).toEqual({ ...asked.record, status: "reserved", reservedAtMs: s.clock.wallMs });
  expect(s.ledger.find(reserved.id)).toEqual(reserved);
  expect(s.ledger.findByNonce("n-1")).toEqual(reserved);
  expect(s.ledger.openRequest(reserved.id)).toEqual(asked.body);
  expect(s.ledger.unsettled()).toEqual([reserved]);
});

test("reserve() refuses a nonce that was reserved before, also by another uid and after a restart", async () => {
  await using s = await scene();
  await s.ledger.reserve(reservation({ nonce: "n", uid: 1000 }));
  expect(await refusalOf(s.ledger.reserve(reservation({ nonce: "n", uid: 1001 })))).toBe(
    "nonce_reused",
  );
  const again = await s.reopen();
  expect(await refusalOf(again.reserve(reservation({ nonce: "n" })))).toBe("nonce_reused");
});

test("reserve() lets one of many concurrent reservations of a nonce through", async () => {
  await using s = await scene();
  const outcomes = await Promise.all(
    Array.from(
      { length: 40 },
      () => refusalOf(s.ledger.reserve(reservation({ nonce: "contended" }))),
    ),
  );
  expect(outcomes.filter((code) => code === "ok")).toHaveLength(1);
  expect(outcomes.filter((code) => code === "nonce_reused")).toHaveLength(39);
});

test("reserve() lets one of many concurrent uses of an approval through, and claims nothing for the others", async () => {
  await using s = await scene();
  const asked = Array.from({ length: 40 }, () => reservation({ claim: { jti: "once" } }));
  const outcomes = await Promise.all(asked.map((each) => refusalOf(s.ledger.reserve(each))));
  expect(outcomes.filter((code) => code === "ok")).toHaveLength(1);
  expect(outcomes.filter((code) => code === "approval_already_used")).toHaveLength(39);
  expect(asked.filter((each) => s.ledger.findByNonce(each.record.nonce) !== undefined))
    .toHaveLength(1);
  expect(s.ledger.statistics().executions).toBe(1);
});

test("reserve() takes iss and jti as two fields: no other division of the same text is the same approval", async () => {
  await using s = await scene();
  await s.ledger.reserve(reservation({ claim: { iss: "a", jti: "bc" } }));
  expect(await refusalOf(s.ledger.reserve(reservation({ claim: { iss: "ab", jti: "c" } })))).toBe(
    "ok",
  );
  expect(await refusalOf(s.ledger.reserve(reservation({ claim: { iss: "a", jti: "bc" } })))).toBe(
    "approval_already_used",
  );
});

test("an approval is used up for either scheme", async () => {
  await using s = await scene();
  await s.ledger.reserve(reservation({ claim: { scheme: "clawshield", iss: "x", jti: "j" } }));
  const other = reservation({ claim: { scheme: "dsse", iss: "x", jti: "j" } });
  expect(await refusalOf(s.ledger.reserve(other))).toBe("approval_already_used");
});

test("reserve() reports the first cause in table order, and claims nothing", async () => {
  await using s = await scene();
  const { ledger } = s;
  await ledger.reserve(reservation({ nonce: "taken", claim: { jti: "used" } }));
  await ledger.revoke("release-manager", "revoked", receipt("revocation"));
  const expired = () => {
    throw new Refusal("approval_expired");
  };
  const claims = { nonce: "taken", claim: { jti: "used" }, recheck: expired };
  expect(await refusalOf(ledger.reserve(reservation(claims)))).toBe("approval_expired");
  expect(await refusalOf(ledger.reserve(reservation({ ...claims, recheck: () => {} })))).toBe(
    "nonce_reused",
  );
  expect(
    await refusalOf(ledger.reserve(reservation({ nonce: "fresh", claim: { jti: "revoked" } }))),
  ).toBe(
    "approval_revoked",
  );
  expect(await refusalOf(ledger.reserve(reservation({ nonce: "fresh", claim: { jti: "used" } }))))
    .toBe(
      "approval_already_used",
    );
  await ledger.setHalted(true, receipt("halt"));
  expect(await refusalOf(ledger.reserve(reservation(claims)))).toBe("halted");
  await ledger.setHalted(false, receipt("resume"));
  expect(await refusalOf(ledger.reserve(reservation({ nonce: "fresh" })))).toBe("ok");
});

test("reserve() takes nothing without an approval outside demo mode", async () => {
  await using s = await scene();
  await expect(s.ledger.reserve(reservation({ nonce: "n", claim: null }))).rejects.toThrow(
    RangeError,
  );
  expect(s.ledger.findByNonce("n")).toBeUndefined();
  expect(s.ledger.statistics().executions).toBe(0);
  expect(await refusalOf(s.ledger.reserve(reservation({ nonce: "n" })))).toBe("ok");
});

test("reserve() rechecks with the ledger's time", async () => {
  await using s = await scene();
  const seen: number[] = [];
  await s.ledger.reserve(reservation({ recheck: (nowMs) => seen.push(nowMs) }));
  expect(seen).toEqual([s.clock.wallMs]);
});

test("halted survives a restart", async () => {
  await using s = await scene();
  await s.ledger.setHalted(true, receipt("halt"));
  const again = await s.reopen();
  expect(again.health().halted).toBe(true);
  expect(await refusalOf(again.reserve(reservation()))).toBe("halted");
});

test("work that fails by a bug is left out, and what shared its transaction is committed all the same", async () => {
  await using s = await scene();
  const bug = reservation({
    nonce: "bug",
    recheck: () => {
      throw new TypeError("a bug");
    },
  });
  const settled = await Promise.allSettled([
    s.ledger.reserve(reservation({ nonce: "before" })),
    s.ledger.reserve(bug),
    s.ledger.reserve(reservation({ nonce: "after" })),
  ]);
  expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(s.ledger.findByNonce("bug")).toBeUndefined();
  expect(s.ledger.statistics()).toMatchObject({ executions: 2, unsettled: 2 });
});

test("a UUID that exists already overwrites nothing", async () => {
  await using s = await scene();
  const first = await s.ledger.reserve(reservation());
  await expect(s.ledger.reserve(reservation({ id: first.id, nonce: "other" }))).rejects.toThrow(
    RangeError,
  );
  expect(s.ledger.findByNonce("other")).toBeUndefined();
  expect(s.ledger.find(first.id)).toEqual(first);
});

test("a payload whose retention is none is never stored", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation({ payloadMs: null }));
  expect(s.ledger.openRequest(id)).toBeUndefined();
  await s.ledger.settle(settlement(id));
  expect(s.ledger.statistics().oldestUnprunedMs).not.toBeNull();
});
