/** Starts of approved proposals: what they run with, and when they are tried again. */

import { basename } from "node:path";
import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { Refusal } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/types.ts";
import type { ProposalContext } from "../../../src/engine/proposals/desk.ts";
import { claims, envelope, HANDLER_DIGEST, NOW, PAYLOAD } from "../../support/approvals.ts";
import { until } from "../../support/until.ts";
import { EngineScene } from "../engine_scene.ts";

const UID = 1000;
const REVIEWER = { uid: UID, actions: null, isReviewer: true };
const NEVER_GONE = () => () => {};

function contextOf(scene: EngineScene): ProposalContext {
  const [socket] = scene.parts.config.sockets;
  if (socket === undefined) throw new Error("the config names no socket");
  return {
    peer: { uid: UID, gid: UID, pid: 7, socket: basename(socket.path) },
    socket,
    receivedAtMs: scene.clock.wallMs,
    idempotencyKey: null,
    waitMs: 0,
    traceparent: null,
    onGone: NEVER_GONE,
    onClosing: NEVER_GONE,
  };
}

async function propose(scene: EngineScene, nonce = "n-1") {
  const body = utf8Encode(JSON.stringify({ action: "echo", payload: PAYLOAD, nonce }));
  return (await scene.engine.proposals.propose(body, contextOf(scene))).id;
}

async function approve(scene: EngineScene, id: string, said: Record<string, Json> = {}) {
  const body = claims({
    sub: `uid:${UID}`,
    handler_digest: HANDLER_DIGEST,
    jti: id,
    ...said,
  });
  const text = utf8Encode(JSON.stringify(envelope(body)));
  return (await scene.engine.proposals.approve(id, text, REVIEWER, contextOf(scene))).status;
}

const refuse = (code: "executor_busy" | "executor_unavailable") => () => {
  throw new Refusal(code);
};

/** Lets it be approved while there is no room, and then has its approval run out at one reading. */
async function startedWhenOutAt(reading: number) {
  await using scene = await EngineScene.start();
  scene.onAcquire = refuse("executor_busy");
  const id = await propose(scene);
  expect(await approve(scene, id, { exp: NOW + 60 })).toBe("approved");
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
    readings,
    bugs: scene.bugs,
  };
}

test("at whichever reading of the clock an approval runs out, nothing starts without it", async () => {
  let reading = 0;
  for (let isPast = false; !isPast;) {
    const { status, approval, readings, bugs } = await startedWhenOutAt(++reading);
    expect(bugs).toEqual([]);
    if (status === "started") expect(approval).toMatchObject({ jti: expect.any(String) });
    else expect([status, approval]).toEqual(["pending", undefined]);
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
