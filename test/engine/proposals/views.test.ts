/** Proposals that change while others, or their own bodies, are opened for a view. */

import { expect, test } from "vitest";
import { stringOf, utf8Encode } from "../../../src/core/bytes.ts";
import { printJson } from "../../../src/core/json/json_text.ts";
import { Refusal } from "../../../src/core/errors.ts";
import { DECISION_TYPE } from "../../../src/core/signed_claims.ts";
import { envelope, EXECUTOR_ID, NOW, PAYLOAD, subject, TENANT } from "../../support/approvals.ts";
import { until } from "../../support/until.ts";
import { CONFIG, EngineScene } from "../engine_scene.ts";
import { approve, contextOf, propose, REVIEWER } from "./asking.ts";

/** Has `change` happen once, while the body of that proposal is opened. */
function whileOpened(scene: EngineScene, id: string, change: () => Promise<unknown>): void {
  const { proposals } = scene.ledger;
  const read = proposals.readBody.bind(proposals);
  proposals.readBody = async (...[of, meter]) => {
    const body = await read(of, meter);
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
  const query = { status, nonce: null, limit: 10, before: null };
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

test.each([
  [3_600_000, "not today", "`decline.reason` says why"],
  [null, null, "the reason was not kept: ask them"],
])(
  "kept for %s ms, a decline has the reason %j, and says so",
  async (payloadMs, reason, detail) => {
    const config = { ...CONFIG, retention: { ...CONFIG.retention, payloadMs } };
    await using scene = await EngineScene.start({ config });
    const id = await propose(scene);
    const decision = {
      iss: "alice",
      aud: EXECUTOR_ID,
      iat: NOW,
      tenant: TENANT,
      proposal: id,
      action_digest: subject().actionDigest,
      decision: "decline",
      reason: "not today",
    };
    const body = utf8Encode(JSON.stringify(envelope(decision, ["alice-1"], DECISION_TYPE)));
    const { peer } = contextOf(scene);
    await scene.engine.proposals.decline(id, body, REVIEWER, peer);
    expect(await scene.engine.proposals.views.view(id, REVIEWER)).toMatchObject({
      status: "declined",
      decline: { by: "alice", reason },
      problem: {
        code: "proposal_declined",
        detail: expect.stringContaining(detail),
        retry: "never",
      },
    });
  },
);

/** Counts the bodies that are opened for views. */
function opened(scene: EngineScene): { count: number } {
  const { proposals } = scene.ledger;
  const read = proposals.readBody.bind(proposals);
  const seen = { count: 0 };
  proposals.readBody = (...of) => {
    seen.count++;
    return read(...of);
  };
  return seen;
}

const WAIT_MS = 600_000;

test("those who waited for the same end have it opened in their turns, and no sooner", async () => {
  await using scene = await EngineScene.start();
  const id = await propose(scene);
  const bodies = opened(scene);
  const turns: PromiseWithResolvers<boolean>[] = [];
  const again = () => {
    const turn = Promise.withResolvers<boolean>();
    turns.push(turn);
    return turn.promise;
  };
  const { peer, onGone } = contextOf(scene);
  const { views } = scene.engine.proposals;
  const answers = [
    views.find(id, { ...REVIEWER, again }, WAIT_MS, onGone),
    views.findByNonce("n-1", { peer, again }, WAIT_MS, onGone),
    scene.engine.proposals.hold(id, { ...contextOf(scene), waitMs: WAIT_MS, again }),
  ];
  await scene.engine.proposals.withdraw(id, { peer });
  const ownOfWithdrawal = bodies.count;
  await until(() => turns.length === answers.length);
  expect(bodies.count).toBe(ownOfWithdrawal);
  for (const { resolve } of turns) resolve(true);
  expect((await Promise.all(answers)).map(({ status }) => status))
    .toEqual(["withdrawn", "withdrawn", "withdrawn"]);
  expect(bodies.count).toBe(ownOfWithdrawal + answers.length);
});

test("what was changed or delivered is shown in its turn", async () => {
  await using scene = await EngineScene.start();
  const id = await propose(scene);
  const { peer } = contextOf(scene);
  const weighed: number[] = [];
  let turns = 0;
  const asker = {
    peer,
    meter: { weigh: (bytes: number) => void weighed.push(bytes), work: () => () => {} },
    again: () => Promise.resolve(++turns > 0),
  };
  await scene.engine.proposals.withdraw(id, asker);
  await scene.engine.proposals.deliver(id, asker);
  expect([turns, weighed.length]).toEqual([2, 2]);
});

test("nothing is opened for one who waited and has gone", async () => {
  await using scene = await EngineScene.start();
  const id = await propose(scene);
  const bodies = opened(scene);
  const { views } = scene.engine.proposals;
  const leaves: (() => void)[] = [];
  const left = views.find(id, REVIEWER, WAIT_MS, (listener) => {
    leaves.push(listener);
    return () => {};
  });
  const again = () => Promise.resolve(false);
  const late = views.find(id, { ...REVIEWER, again }, WAIT_MS, contextOf(scene).onGone);
  await until(() => leaves.length === 1);
  for (const leave of leaves) leave();
  await expect(left).rejects.toMatchObject({ code: "request_malformed" });
  const before = bodies.count;
  await scene.engine.proposals.withdraw(id, contextOf(scene));
  await expect(late).rejects.toMatchObject({ code: "request_malformed" });
  expect([before, bodies.count]).toEqual([0, 1]);
});

test("a page goes on in its viewer's turns, and ends where that has gone", async () => {
  await using scene = await EngineScene.start();
  for (let i = 0; i < 33; i++) {
    const id = await propose(scene, `n-${i}`);
    await scene.engine.proposals.withdraw(id, contextOf(scene));
    scene.clock.pass(1);
  }
  const { views } = scene.engine.proposals;
  const query = { status: null, nonce: null, limit: 100, before: null };
  let turns = 0;
  const goOn = () => Promise.resolve(++turns > 0);
  const { proposals } = await views.page({ ...REVIEWER, goOn }, query);
  expect([proposals.length, turns]).toEqual([33, 1]);
  const left = views.page({ ...REVIEWER, goOn: () => Promise.resolve(false) }, query);
  await expect(left).rejects.toMatchObject({ code: "request_malformed" });
});
