import { expect, test } from "vitest";
import { uuidV7 } from "../../src/core/uuid.ts";
import { reservation, reserveAndSettle, scene } from "./scene.ts";

test("list() shows the newest first, of one uid or of all, and goes on from an id", async () => {
  await using s = await scene();
  const ids = Array.from({ length: 12 }, (_, ms) => uuidV7(1_700_000_000_000 + ms));
  for (const [index, id] of ids.entries()) {
    await s.ledger.reserve(reservation({ id, uid: index % 3 === 0 ? 2 ** 32 - 1 : 7 }));
  }
  const newest = ids.toReversed();
  const listed = (filter: Parameters<typeof s.ledger.list>[0]) =>
    s.ledger.list(filter).map(({ id }) => id);
  expect(listed({ uid: null, limit: 100 })).toEqual(newest);
  const [, , , fourth = ""] = newest;
  expect(listed({ uid: null, limit: 2, before: fourth })).toEqual(newest.slice(4, 6));
  const ofSeven = newest.filter((id) => ids.indexOf(id) % 3 !== 0);
  expect(listed({ uid: 7, limit: 100 })).toEqual(ofSeven);
  expect(listed({ uid: 7, limit: 3, before: ofSeven[1] ?? "" })).toEqual(ofSeven.slice(2, 5));
  expect(listed({ uid: 2 ** 32 - 1, limit: 100 })).toHaveLength(4);
  expect(listed({ uid: 8, limit: 100 })).toEqual([]);
  expect(listed({ uid: null, limit: 0 })).toEqual([]);
});

test("find() knows nothing of ids that are none", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger);
  expect(s.ledger.find("")).toBeUndefined();
  expect(s.ledger.find("../../etc/passwd")).toBeUndefined();
  expect(s.ledger.find(uuidV7(1))).toBeUndefined();
  expect(s.ledger.openRequest("x")).toBeUndefined();
  expect(await s.ledger.readResult("x")).toBeUndefined();
});

test("an answer is read from what is on disk: nothing is found before its reservation is answered", async () => {
  await using s = await scene();
  const asked = reservation({ nonce: "pending" });
  const pending = s.ledger.reserve(asked);
  expect(s.ledger.findByNonce("pending")).toBeUndefined();
  await pending;
  expect(s.ledger.findByNonce("pending")).toBeDefined();
});
