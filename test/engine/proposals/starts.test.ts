/** Starts of approved proposals: what they run with, and when they are tried again. */

import { expect, test } from "vitest";
import { Refusal } from "../../../src/core/errors.ts";
import { NOW } from "../../support/approvals.ts";
import { until } from "../../support/until.ts";
import { CONFIG, EngineScene } from "../engine_scene.ts";
import { approve, propose } from "./asking.ts";

const refuse = (code: "executor_busy" | "executor_unavailable") => () => {
  throw new Refusal(code);
};

/**
 * Lets it be approved while there is no room, and then has a minute pass at one reading, in which
 * its approval or itself runs out.
 */
async function startedWhenOutAt(reading: number, { proposal = 3600, approval = 60 }) {
  const proposals = { ...CONFIG.proposals, expiresMs: proposal * 1000 };
  await using scene = await EngineScene.start({ config: { ...CONFIG, proposals } });
  scene.onAcquire = refuse("executor_busy");
  const id = await propose(scene);
  expect(await approve(scene, id, { exp: NOW + approval })).toBe("approved");
  scene.onAcquire = () => {};
  const { clock } = scene;
  const read = clock.nowMs.bind(clock);
  let readings = 0;
  clock.nowMs = () => {
    if (++readings === reading) clock.pass(61_000);
    return read();
  };
  await scene.engine.proposals.refresh();
  const status = () => scene.ledger.proposals.find(id)?.status;
  await until(() => status() !== "approved");
  await scene.engine.drain(60_000);
  return {
    status: status(),
    approval: scene.ledger.find(id)?.approval,
    reservedAtMs: scene.ledger.find(id)?.reservedAtMs ?? 0,
    readings,
    bugs: scene.bugs,
  };
}

test("at whichever reading of the clock an approval runs out, nothing starts without it", async () => {
  let reading = 0;
  for (let isPast = false; !isPast;) {
    const { status, approval, readings, bugs } = await startedWhenOutAt(++reading, {
      approval: 60,
    });
    expect(bugs).toEqual([]);
    if (status === "started") expect(approval).toMatchObject({ jti: expect.any(String) });
    else expect([status, approval]).toEqual(["pending", undefined]);
    isPast = readings < reading;
  }
  expect(reading).toBeGreaterThan(5);
});

test("at whichever reading of the clock a proposal runs out, it does not start afterwards", async () => {
  let reading = 0;
  for (let isPast = false; !isPast;) {
    const times = { proposal: 60, approval: 300 };
    const { status, reservedAtMs, readings, bugs } = await startedWhenOutAt(++reading, times);
    expect(bugs).toEqual([]);
    expect(["started", "expired"]).toContain(status);
    expect([reading, reservedAtMs < (NOW + 60) * 1000]).toEqual([reading, true]);
    isPast = readings < reading;
  }
  expect(reading).toBeGreaterThan(5);
});

test("an approval whose start was refused for good is among those that the end revokes", async () => {
  await using scene = await EngineScene.start();
  const id = await propose(scene);
  scene.onCheck = () => Promise.reject(new Refusal("payload_invalid"));
  expect(await approve(scene, id)).toBe("refused");
  expect(scene.ledger.proposals.find(id)?.collected).toMatchObject([{ iss: "alice", jti: id }]);
});

test("an end that cannot be written is written later", async () => {
  await using scene = await EngineScene.start();
  scene.onAcquire = refuse("executor_busy");
  const id = await propose(scene);
  await approve(scene, id);
  const { proposals } = scene.ledger;
  const end = proposals.end.bind(proposals);
  proposals.end = () => {
    proposals.end = end;
    return Promise.reject(new Refusal("storage_full"));
  };
  scene.onCheck = () => Promise.reject(new Refusal("payload_invalid"));
  scene.onAcquire = () => {};
  await until(() => proposals.find(id)?.status === "refused");
  expect(scene.bugs).toEqual([]);
  await scene.engine.drain(60_000);
});

test("what found no executor starts by itself once there is one", async () => {
  await using scene = await EngineScene.start();
  scene.onAcquire = refuse("executor_unavailable");
  const id = await propose(scene);
  expect(await approve(scene, id)).toBe("approved");
  scene.onAcquire = () => {};
  await until(() => scene.ledger.find(id)?.status === "succeeded");
  await scene.engine.drain(60_000);
});
