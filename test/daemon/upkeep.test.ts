import { expect, test } from "vitest";
import { Upkeep } from "../../src/daemon/upkeep.ts";
import { HOUR_MS, scene } from "../ledger/scene.ts";

const publisher = { start: () => {}, stop: () => Promise.resolve() };

test("a pause of pruning is told once, and again after it was lifted or the daemon started anew", async () => {
  await using s = await scene();
  const told: string[] = [];
  const observer = {
    bug: (error: unknown) => void told.push(String(error)),
    pruned: () => {},
    pruningPaused: () => void told.push("paused"),
  };
  const daemon = () => new Upkeep({ ledger: s.ledger, publisher, observer });
  const turn = async (upkeep: Upkeep) => {
    upkeep.start(); // which prunes at once
    await upkeep.stop();
  };
  const upkeep = daemon();
  await turn(upkeep);
  expect(told).toEqual([]);
  s.clock.wallMs += 2 * HOUR_MS;
  await turn(upkeep);
  await turn(upkeep);
  expect(told).toEqual(["paused"]);
  await s.ledger.prune(1, true);
  await turn(upkeep);
  s.clock.wallMs += 2 * HOUR_MS;
  await turn(upkeep);
  expect(told).toEqual(["paused", "paused"]);
  await turn(daemon());
  expect(told).toEqual(["paused", "paused", "paused"]);
});
