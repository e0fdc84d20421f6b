/** Proposals that change while others, or their own bodies, are opened for a view. */

import { expect, test } from "vitest";
import { printJson, stringOf } from "../../../src/core/json/json_text.ts";
import { Refusal } from "../../../src/core/errors.ts";
import { PAYLOAD } from "../../support/approvals.ts";
import { until } from "../../support/until.ts";
import { EngineScene } from "../engine_scene.ts";
import { approve, propose, REVIEWER } from "./asking.ts";

/** Has `change` happen once, while the body of that proposal is opened. */
function whileOpened(scene: EngineScene, id: string, change: () => Promise<unknown>): void {
  const { proposals } = scene.ledger;
  const read = proposals.readBody.bind(proposals);
  proposals.readBody = async (...[of, weigh]) => {
    const body = await read(of, weigh);
    if (of !== id) return body;
    proposals.readBody = read;
    await change();
    return body;
  };
}

async function ran(scene: EngineScene, id: string): Promise<void> {
  await until(() => scene.ledger.find(id)?.status === "succeeded");
}

/** Of two proposals, the older one is approved and runs while the newer one is opened. */
async function olderRunsMeanwhile(scene: EngineScene) {
  const older = await propose(scene, "n-1");
  scene.clock.pass(1);
  const newer = await propose(scene, "n-2");
  whileOpened(scene, newer, async () => {
    await approve(scene, older, { nonce: "n-1" });
    await ran(scene, older);
  });
  return { older, newer };
}

async function page(scene: EngineScene, status: "pending" | null) {
  const query = { status, limit: 10, before: null };
  const { proposals } = await scene.engine.proposals.views.page(REVIEWER, query);
  return proposals.map((view): Record<string, unknown> => JSON.parse(stringOf(printJson(view))));
}

test("a page shows each proposal as it is once those before it were opened", async () => {
  await using scene = await EngineScene.start();
  const { older, newer } = await olderRunsMeanwhile(scene);
  expect(await page(scene, null)).toMatchObject([
    { id: newer, status: "pending", payload: PAYLOAD },
    { id: older, status: "succeeded", payload: PAYLOAD, execution: { result: { ok: true } } },
  ]);
  await scene.engine.drain(60_000);
});

test("a page of what waits leaves out what waits no more", async () => {
  await using scene = await EngineScene.start();
  const { newer } = await olderRunsMeanwhile(scene);
  expect((await page(scene, "pending")).map(({ id }) => id)).toEqual([newer]);
  await scene.engine.drain(60_000);
});

test("a view has the signatures that it counts", async () => {
  await using scene = await EngineScene.start();
  scene.onAcquire = () => {
    throw new Refusal("executor_busy");
  };
  const id = await propose(scene);
  expect(await approve(scene, id)).toBe("approved");
  scene.onAcquire = () => {};
  whileOpened(scene, id, async () => {
    await scene.engine.proposals.refresh();
    await ran(scene, id);
  });
  const view = await scene.engine.proposals.views.view(id, REVIEWER);
  expect(view.status).toBe("approved");
  expect(view["approvals"]).toMatchObject({ given: [{ name: "alice" }] });
  expect(view["approval"]).toHaveLength(1);
});
