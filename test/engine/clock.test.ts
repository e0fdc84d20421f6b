import { expect, test } from "vitest";
import { DAY_MS, HOUR_MS } from "../ledger/scene.ts";
import { claims } from "../support/approvals.ts";
import { EngineScene, verdictOf } from "./engine_scene.ts";

/** The claims of support/approvals.ts are valid for this long from the clock's start. */
const VALID_MS = 290_000;
const approved = claims();

test("an approval that expired does not come back to life when the clock is set back, not even over a restart", async () => {
  await using s = await EngineScene.start();
  s.clock.pass(VALID_MS);
  expect(verdictOf(await s.ask(approved))).toBe("approval_expired");
  for (const backMs of [HOUR_MS, DAY_MS]) {
    s.clock.wallMs -= backMs;
    expect(verdictOf(await s.ask(approved))).toBe("approval_expired");
    await s.restart();
    expect(verdictOf(await s.ask(approved))).toBe("approval_expired");
  }
  expect([s.jobs, s.ledger.statistics().executions]).toEqual([[], 0]);
});

test("while the clock is behind, approvals expire by the machine's uptime", async () => {
  await using s = await EngineScene.start();
  expect(verdictOf(await s.ask(claims({ jti: "first" })))).toBe("succeeded");
  s.clock.wallMs -= DAY_MS;
  s.clock.pass(VALID_MS - 1);
  const second = claims({ jti: "second", nonce: "n-2" });
  expect(verdictOf(await s.ask(second, "n-2"))).toBe("succeeded");
  s.clock.pass(1);
  const third = claims({ jti: "third", nonce: "n-3" });
  expect(verdictOf(await s.ask(third, "n-3"))).toBe("approval_expired");
});

test("a clock that was set forward by mistake and put right refuses more than it should, never less", async () => {
  await using s = await EngineScene.start();
  s.clock.wallMs += DAY_MS;
  expect(verdictOf(await s.ask(approved))).toBe("approval_expired");
  s.clock.wallMs -= DAY_MS;
  expect(verdictOf(await s.ask(approved))).toBe("approval_expired");
  expect(s.jobs).toEqual([]);
});

test("an approval that expires between its verification and the reservation claims nothing", async () => {
  await using s = await EngineScene.start();
  s.onAcquire = () => s.clock.pass(VALID_MS);
  expect(verdictOf(await s.ask(approved))).toBe("approval_expired");
  expect([s.jobs, s.slotsTaken, s.ledger.findByNonce("n-1")]).toEqual([[], 0, undefined]);
});

test("what was executed is still answered after its approval expired and the clock went either way", async () => {
  await using s = await EngineScene.start();
  const first = await s.ask(approved);
  for (const change of [2 * VALID_MS, -HOUR_MS, -DAY_MS, 3 * DAY_MS]) {
    s.clock.wallMs += change;
    const replay = await s.ask(approved);
    expect(replay).toMatchObject({
      ok: true,
      execution: { id: first.execution?.["id"], replayed: true },
    });
  }
  expect(s.jobs).toHaveLength(1);
});

test("a forward jump of the clock prunes no result before an operator asks for it", async () => {
  await using s = await EngineScene.start();
  await s.ask(approved);
  s.clock.wallMs += 11 * HOUR_MS;
  await s.prune();
  expect((await s.ask(approved)).execution).toMatchObject({ result: { text: '{"ok":true}' } });
  await s.restart();
  await s.prune();
  expect((await s.ask(approved)).execution).toMatchObject({ result: { text: '{"ok":true}' } });
  await s.prune(true);
  expect((await s.ask(approved)).execution).toMatchObject({ result: null, result_pruned: true });
});

test("a clock set back keeps what was stored for no longer than its retention by uptime", async () => {
  await using s = await EngineScene.start();
  await s.ask(approved);
  s.clock.wallMs -= DAY_MS;
  s.clock.pass(11 * HOUR_MS);
  await s.prune();
  expect((await s.ask(approved)).execution).toMatchObject({ result: null, result_pruned: true });
});
