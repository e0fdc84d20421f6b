import { join } from "node:path";
import { expect, test } from "vitest";
import { HOUR_MS } from "../ledger/scene.ts";
import { verifyReceipt } from "../../src/log/verify_receipt.ts";
import { claims, signerNamed } from "../support/approvals.ts";
import { EngineScene } from "./engine_scene.ts";

test("a result that could not be stored is in its own answer, and shows as pruned in the next", async () => {
  await using s = await EngineScene.start();
  const [vault, away] = [join(s.stateDir, "vault"), join(s.stateDir, "away")];
  s.onRun = () => {
    s.clock.pass(2 * HOUR_MS); // so that the result needs a key of its own
    Deno.renameSync(vault, away);
  };
  const first = await s.ask(claims());
  Deno.renameSync(away, vault);
  expect(s.unstored).toEqual([first.execution?.id]);
  expect(first).toMatchObject({
    ok: true,
    execution: { status: "succeeded", result: { text: '{"ok":true}' } },
  });
  const replay = await s.ask(claims());
  expect(replay).toMatchObject({ ok: true, execution: { status: "succeeded", replayed: true } });
  expect(replay.execution).toMatchObject({ result: null, result_pruned: true, receipt: null });
  expect(replay.execution?.["attestation"]).toEqual(first.execution?.["attestation"]);
});

test("a result is answered in its canonical form, at first and in a replay", async () => {
  await using s = await EngineScene.start();
  const resultText = '{"b": 1.0, "a": [2e0, -0, 0.10], "é": {"z": null, "y": "\\u0061"}}';
  s.outcome = { status: "succeeded", resultText };
  const answers = [await s.ask(claims()), await s.ask(claims())];
  const canonical = '{"a":[2,0,0.1],"b":1,"é":{"y":"a","z":null}}';
  expect(answers.map(({ execution }) => JSON.stringify(execution?.["result"]))).toEqual([
    canonical,
    canonical,
  ]);
  const [first, replay] = answers.map(({ execution }) => execution);
  expect(replay).toEqual({ ...first, replayed: true });
  for (const answer of [first, replay]) {
    const { checks } = verifyReceipt(JSON.stringify(answer), {
      executorKeys: [signerNamed("executor").publicKey],
    });
    expect(checks.find(({ name }) => name === "legacy_hash")?.outcome).toBe("passed");
  }
});
