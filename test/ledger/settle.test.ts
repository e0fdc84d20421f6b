import { join } from "node:path";
import { expect, test } from "vitest";
import { leafHash, nodeHash } from "../../src/log/tree.ts";
import {
  DAY_MS,
  digest,
  receipt,
  refusalOf,
  reservation,
  reserveAndSettle,
  scene,
  settlement,
} from "./scene.ts";

test("settle() stores outcome, result, receipt and leaf together", async () => {
  await using s = await scene();
  const reserved = await s.ledger.reserve(reservation());
  const asked = settlement(reserved.id);
  const settled = await s.ledger.settle(asked);
  expect(settled).toEqual({
    ...reserved,
    status: "succeeded",
    startedAtMs: asked.startedAtMs,
    settledAtMs: asked.settledAtMs,
    resultCommitment: digest("c"),
    logIndex: 0,
  });
  const again = await s.reopen();
  expect(again.find(reserved.id)).toEqual(settled);
  expect(await again.readResult(reserved.id)).toEqual(asked.result);
  expect(again.log.leaf(0)).toEqual({ ...asked.receipt, index: 0 });
  expect(again.unsettled()).toEqual([]);
  expect(again.statistics()).toMatchObject({ executions: 1, unsettled: 0, logSize: 1 });
});

test.each(["failed", "timed_out", "crashed", "outcome_unknown"] as const)(
  "settle() stores %s",
  async (status) => {
    await using s = await scene();
    const { id } = await s.ledger.reserve(reservation());
    const none = { result: null, resultCommitment: null, startedAtMs: null };
    await s.ledger.settle(settlement(id, { status, code: "outcome_unknown", ...none }));
    expect(s.ledger.find(id)).toMatchObject({
      status,
      code: "outcome_unknown",
      logIndex: 0,
      startedAtMs: null,
    });
    expect(await s.ledger.readResult(id)).toBeUndefined();
  },
);

test("settle() stores the reason of a failure where a result would be", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation());
  const none = { result: null, resultCommitment: null };
  const reason = "the card was declined: \u{1f4b3}\u202e";
  await s.ledger.settle(
    settlement(id, { status: "failed", code: "handler_failed", reason, ...none }),
  );
  const again = await s.reopen();
  expect(await again.readReason(id)).toBe(reason);
  expect(await again.readResult(id)).toBeUndefined();
  s.clock.pass(3 * DAY_MS);
  await again.prune(100);
  expect(await again.readReason(id)).toBeUndefined();
});

test("a result that cannot be sealed is not stored; its outcome and its receipt are", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation());
  const [vault, away] = [join(s.stateDir, "vault"), join(s.stateDir, "away")];
  Deno.renameSync(vault, away);
  const asked = settlement(id, { retention: { payloadMs: DAY_MS, resultMs: 2 * DAY_MS } });
  const settled = await s.ledger.settle(asked);
  Deno.renameSync(away, vault);
  expect(settled).toMatchObject({
    status: "succeeded",
    resultCommitment: digest("c"),
    logIndex: 0,
  });
  const again = await s.reopen();
  expect(again.find(id)).toEqual(settled);
  expect(await again.readResult(id)).toBeUndefined();
  expect(again.log.leaf(0)).toEqual({ ...asked.receipt, index: 0 });
  expect(again.unsettled()).toEqual([]);
  expect((await reserveAndSettle(again, { resultMs: 2 * DAY_MS })).status).toBe("succeeded");
});

test("an execution settles once: a second settlement writes nothing", async () => {
  await using s = await scene();
  const first = await reserveAndSettle(s.ledger);
  const second = settlement(first.id, {
    status: "failed",
    code: "handler_failed",
    receipt: receipt("second"),
  });
  await expect(s.ledger.settle(second)).rejects.toThrow(RangeError);
  expect(s.ledger.find(first.id)).toEqual(first);
  expect(s.ledger.log.size()).toBe(1);
});

test("an execution that was never reserved is not settled", async () => {
  await using s = await scene();
  const stranger = reservation().record.id;
  expect(await refusalOf(s.ledger.settle(settlement(stranger)))).toBe("ledger_unavailable");
  expect(s.ledger.log.size()).toBe(0);
});

test("concurrent settlements and receipts make one tree, and its stored nodes are those of its leaves", async () => {
  await using s = await scene();
  const reserved = await Promise.all(
    Array.from({ length: 23 }, () => s.ledger.reserve(reservation())),
  );
  const [first] = await Promise.all([
    s.ledger.append([receipt("x"), receipt("y"), receipt("z")]),
    ...reserved.map(({ id }) => s.ledger.settle(settlement(id))),
  ]);
  const { log } = await s.reopen();
  expect(log.size()).toBe(26);
  expect(log.leaf(first + 2)?.body).toEqual(receipt("z").body);
  let nodes = Array.from(
    { length: 26 },
    (_, index) => leafHash(log.leaf(index)?.body ?? new Uint8Array()),
  );
  for (let level = 0; nodes.length > 0; level++) {
    expect(nodes.map((_, index) => log.node(level, index))).toEqual(nodes);
    expect(log.node(level, nodes.length)).toBeUndefined();
    nodes = pairs(nodes).map(([left, right]) => nodeHash(left, right));
  }
  expect([log.leaf(26), log.leaf(-1), log.leaf(0.5)]).toEqual([undefined, undefined, undefined]);
});

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((left, index) => {
    const right = items[index + 1];
    return index % 2 === 0 && right !== undefined ? [[left, right] satisfies [T, T]] : [];
  });
}
