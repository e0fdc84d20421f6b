import { join } from "node:path";
import { expect, test } from "vitest";
import { claims } from "../support/approvals.ts";
import { EngineScene, verdictOf } from "./engine_scene.ts";

const WAIT_MS = 60_000;
const approved = claims();

test("a copy that comes when the reservation can be read, and its run not yet be waited for, gets its outcome", async () => {
  await using s = await EngineScene.start();
  const [committed, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  s.onReserved = () => {
    committed.resolve();
    return answered.promise;
  };
  const first = s.ask(approved);
  await committed.promise;
  expect(s.ledger.findByNonce("n-1")?.status).toBe("reserved");
  const copy = s.ask(approved, "n-1", WAIT_MS);
  answered.resolve();
  const answers = [await first, await copy];
  expect(answers.map(verdictOf)).toEqual(["succeeded", "succeeded"]);
  expect(answers.map(({ execution }) => execution?.["replayed"])).toEqual([false, true]);
  expect(s.jobs).toHaveLength(1);
});

test("a request that waited for one under its nonce which was then refused is decided by itself", async () => {
  await using s = await EngineScene.start();
  const copies: ReturnType<EngineScene["ask"]>[] = [];
  s.onAcquire = () => {
    if (copies.length > 0) return;
    copies.push(s.ask(approved, "n-1", WAIT_MS));
    s.clock.pass(2_000);
  };
  const first = await s.ask(claims({ jti: "shorter", exp: s.clock.wallMs / 1000 + 1 }));
  expect([first, ...await Promise.all(copies)].map(verdictOf)).toEqual([
    "approval_expired",
    "succeeded",
  ]);
  expect(s.jobs).toHaveLength(1);
});

test("a replay whose result has lost its key says that the effect is unknown, never that nothing ran", async () => {
  await using s = await EngineScene.start();
  expect(verdictOf(await s.ask(approved))).toBe("succeeded");
  const vault = join(s.stateDir, "vault");
  for (const { name } of Deno.readDirSync(vault)) Deno.removeSync(join(vault, name));
  await s.restart();
  expect(verdictOf(await s.ask(approved))).toBe("outcome_unknown");
  expect(s.jobs).toHaveLength(1);
});
