import { expect, test } from "vitest";
import { claims, subject } from "../support/approvals.ts";
import { CONFIG, EngineScene } from "./engine_scene.ts";

const limits = { ...CONFIG.limits, inFlight: 4, inFlightPerUid: 2 };

/** Asks as a peer of that uid, under a nonce of its own. */
function ask(scene: EngineScene, uid: number, nonce: string) {
  const iat = Math.floor(scene.clock.wallMs / 1000);
  return scene.ask(claims({ jti: nonce, nonce, iat }), nonce, 0, { ...subject().peer, uid });
}

test("one uid has so many requests in flight and no more, and another finds room", async () => {
  await using scene = await EngineScene.start({ config: { ...CONFIG, limits } });
  const end = Promise.withResolvers<void>();
  let running = 0;
  const busy = Promise.withResolvers<void>();
  scene.onRun = async () => {
    if (++running === 2) busy.resolve();
    await end.promise;
  };
  const first = [ask(scene, 1, "n-1"), ask(scene, 1, "n-2")];
  await busy.promise;
  expect(await ask(scene, 1, "n-3")).toMatchObject({ ok: false, code: "executor_busy" });
  const other = ask(scene, 2, "n-4");
  end.resolve();
  expect((await Promise.all([...first, other])).map(({ ok }) => ok)).toEqual([true, true, true]);
  expect(await ask(scene, 1, "n-3")).toMatchObject({ ok: true });
});
