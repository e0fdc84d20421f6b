import { join } from "node:path";
import { expect, test } from "vitest";
import { HOUR_MS } from "../ledger/scene.ts";
import { claims } from "../support/approvals.ts";
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
  expect(first).toMatchObject({
    ok: true,
    execution: { status: "succeeded", result: { ok: true } },
  });
  const replay = await s.ask(claims());
  expect(replay).toMatchObject({ ok: true, execution: { status: "succeeded", replayed: true } });
  expect(replay.execution).toMatchObject({ result: null, result_pruned: true, receipt: null });
  expect(replay.execution?.["attestation"]).toEqual(first.execution?.["attestation"]);
});
