import { expect, test } from "vitest";
import { Leases } from "../../../src/engine/proposals/leases.ts";
import { Similar } from "../../../src/engine/proposals/similar.ts";
import { scene } from "../../ledger/scene.ts";
import { newProposal, SECRET } from "../../ledger/proposals/sample.ts";

test("a call finds its proposal among many and opens few payloads, or a bounded number", async () => {
  await using s = await scene();
  const { proposals } = s.ledger;
  const similar = new Similar(s.clock);
  const mine = newProposal({ client: "c" });
  await proposals.propose(mine);
  const others = Array.from({ length: 50 }, () => newProposal({ client: "c" }));
  for (const { record, body } of others) {
    await proposals.propose({ record, body: { ...body, canonical: "another" } });
  }
  let opened = 0;
  const open = proposals.openBody.bind(proposals);
  proposals.openBody = (id) => {
    opened++;
    return open(id);
  };
  const find = () =>
    new Leases(s.ledger, similar).find(1000, "c", { action: "charge_card", canonical: SECRET })?.id;
  expect([find(), opened]).toEqual([undefined, 32]);
  for (const { record: { id } } of others) {
    similar.note("another", { id, uid: 1000, atMs: s.clock.wallMs });
  }
  opened = 0;
  expect([find(), opened]).toEqual([mine.record.id, 1]);
});

test("a call whose client hung up holds nothing, before its connection has told", async () => {
  await using s = await scene();
  const similar = new Similar(s.clock);
  const { record, body } = newProposal({ client: "c" });
  await s.ledger.proposals.propose({ record, body });
  const leases = new Leases(s.ledger, similar);
  const find = () => leases.find(1000, "c", { action: "charge_card", canonical: SECRET })?.id;
  let isClosing = false;
  leases.hold(record.id, { onClosing: () => () => {}, isClosing: () => isClosing });
  expect(find()).toBeUndefined();
  isClosing = true;
  expect(find()).toBe(record.id);
});
