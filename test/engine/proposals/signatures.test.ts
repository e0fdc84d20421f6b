/** Signatures of a proposal: which of them still count after trust has changed. */

import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { approver, claims, envelope, HANDLER_DIGEST, trustOf } from "../../support/approvals.ts";
import { CONFIG, EngineScene } from "../engine_scene.ts";
import { contextOf, propose, REVIEWER } from "./asking.ts";

/** `echo` wants three approvers; bob signs a body of his own, and then alice signs it too. */
async function signedByTwo(scene: EngineScene): Promise<string> {
  const id = await propose(scene);
  const body = claims({ iss: "bob", sub: "uid:1000", handler_digest: HANDLER_DIGEST, jti: id });
  for (const keyid of ["bob-1", "alice-1"]) {
    const text = utf8Encode(JSON.stringify(envelope(body, [keyid])));
    await scene.engine.proposals.approve(id, text, REVIEWER, contextOf(scene));
  }
  return id;
}

async function given(scene: EngineScene, id: string): Promise<unknown> {
  await scene.engine.proposals.refresh();
  const view = await scene.engine.proposals.views.view(id, REVIEWER);
  return view["approvals"];
}

const echo = CONFIG.actions.get("echo");
const config = {
  ...CONFIG,
  actions: new Map(echo === undefined ? [] : [["echo", { ...echo, approvals: 3 }]]),
};

test("where one of them may approve it no more, the others' signatures still count", async () => {
  await using scene = await EngineScene.start({ config });
  const id = await signedByTwo(scene);
  expect(await given(scene, id)).toMatchObject({ given: [{ name: "bob" }, { name: "alice" }] });
  const elsewhere = approver("alice", { actions: new Set(["other"]) });
  scene.parts.trust.replace(trustOf([elsewhere, approver("bob"), approver("carol")]));
  expect(await given(scene, id)).toMatchObject({ given: [{ name: "bob" }] });
});

test("without the approver who named the body, none of its signatures counts", async () => {
  await using scene = await EngineScene.start({ config });
  const id = await signedByTwo(scene);
  scene.parts.trust.replace(trustOf([approver("alice"), approver("carol")]));
  expect(await given(scene, id)).toMatchObject({ given: [] });
});
