import { expect, test } from "vitest";
import { receipt, refusalOf, reservation, reserveAndSettle, scene, settlement } from "./scene.ts";

const unknown = {
  status: "outcome_unknown",
  code: "outcome_unknown",
  result: null,
  resultCommitment: null,
} as const;

test.each(["succeeded", "failed"] as const)(
  "resolve() declares an unknown outcome %s, once",
  async (as) => {
    await using s = await scene();
    const { id } = await s.ledger.reserve(reservation());
    await s.ledger.settle(settlement(id, unknown));
    const resolved = await s.ledger.resolve(id, as, receipt("resolution"));
    const code = as === "succeeded" ? null : "handler_failed";
    expect(resolved).toMatchObject({
      status: as,
      code,
      logIndex: 0,
      resolution: { from: "outcome_unknown", logIndex: 1 },
    });
    expect((await s.reopen()).find(id)).toEqual(resolved);
    expect(await refusalOf(s.ledger.resolve(id, as, receipt("again")))).toBe("not_resolvable");
    expect(s.ledger.log.size()).toBe(2);
  },
);

test("resolve() refuses what is settled, what is in flight and what does not exist", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger);
  const inFlight = await s.ledger.reserve(reservation());
  const outcome = (which: string) => refusalOf(s.ledger.resolve(which, "failed", receipt("r")));
  expect(await outcome(id)).toBe("not_resolvable");
  expect(await outcome(inFlight.id)).toBe("not_resolvable");
  expect(await outcome(reservation().record.id)).toBe("execution_not_found");
  expect(await outcome("no id at all")).toBe("execution_not_found");
  expect(s.ledger.log.size()).toBe(1);
});

test("revoke() holds for approvals never seen or half used, and after a restart", async () => {
  await using s = await scene();
  const half = { jti: "half", uses: 3 };
  await s.ledger.reserve(reservation({ claim: half }));
  await s.ledger.revoke("release-manager", "half", receipt("one"));
  await s.ledger.revoke("release-manager", "unseen", receipt("two"));
  await s.ledger.revoke("release-manager", "unseen", receipt("three"));
  const outcome = (claim: { iss?: string; jti: string; uses?: number }) =>
    refusalOf(s.ledger.reserve(reservation({ claim })));
  for (let restart = 0; restart < 2; restart++) {
    expect(await outcome(half)).toBe("approval_revoked");
    expect(await outcome({ jti: "unseen" })).toBe("approval_revoked");
    await s.reopen();
  }
  expect(await outcome({ iss: "other", jti: "unseen" })).toBe("ok");
  expect(s.ledger.log.size()).toBe(3);
});

test("each act is in the log before it is answered", async () => {
  await using s = await scene();
  await s.ledger.setHalted(true, receipt("halt"));
  expect(s.ledger.log.leaf(0)?.body).toEqual(receipt("halt").body);
  await s.ledger.revoke("a", "b", receipt("revoke"));
  expect(s.ledger.log.leaf(1)?.body).toEqual(receipt("revoke").body);
});
