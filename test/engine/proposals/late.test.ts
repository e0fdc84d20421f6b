/** Decisions that come too late, or make no sense. */

import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { decodeReceipt } from "../../../src/log/receipt.ts";
import { claims, envelope } from "../../support/approvals.ts";
import { EngineScene } from "../engine_scene.ts";
import { contextOf, propose, REVIEWER } from "./asking.ts";

const peer = { uid: 1000, gid: 1000, pid: 7, socket: "review.sock" };

/** Codes of the refusal receipts, the oldest first. */
async function refused(scene: EngineScene): Promise<unknown[]> {
  await scene.parts.refusals.flush(true);
  const { log } = scene.ledger;
  return Array.from({ length: log.size() }, (_, index) => log.leaf(index)).flatMap((leaf) => {
    const receipt = leaf && decodeReceipt(leaf.body);
    return receipt?.kind === "refusal" ? [receipt.code] : [];
  });
}

test("a decision after the end is refused, and leaves a receipt", async () => {
  await using scene = await EngineScene.start();
  const id = await propose(scene);
  const { proposals } = scene.engine;
  await proposals.withdraw(id, { peer });
  const over = { code: "proposal_over" };
  const body = utf8Encode(JSON.stringify(envelope(claims({ jti: id }))));
  await expect(proposals.approve(id, body, REVIEWER, contextOf(scene))).rejects.toMatchObject(over);
  await expect(proposals.decline(id, body, REVIEWER, peer)).rejects.toMatchObject(over);
  await expect(proposals.withdraw(id, { peer })).rejects.toMatchObject(over);
  expect(await refused(scene)).toEqual(["proposal_over", "proposal_over", "proposal_over"]);
});

test("a decision that is no JSON is malformed, whatever it is about", async () => {
  await using scene = await EngineScene.start();
  const { proposals } = scene.engine;
  const nobodys = "0190b1c0-0000-7000-8000-000000000001";
  const decline = proposals.decline(nobodys, utf8Encode("no"), REVIEWER, peer);
  await expect(decline).rejects.toMatchObject({ code: "request_malformed" });
});
