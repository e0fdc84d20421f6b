/** One scene for several tests of a file. */

import { afterAll, afterEach } from "vitest";

/**
 * Returns what gives the scene, which the first test to ask makes. One that failed takes it along:
 * nothing of a failure reaches the next test, or the second try of the same one.
 */
export function shared<Scene extends AsyncDisposable>(
  make: () => Promise<Scene>,
): () => Promise<Scene> {
  let scene: Scene | undefined;
  const end = async (): Promise<void> => {
    const ended = scene;
    scene = undefined;
    await ended?.[Symbol.asyncDispose]();
  };
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await end();
  });
  afterAll(end);
  return async () => scene ??= await make();
}

/** As shared(), for what is done once in another scene, and ends with it. */
export function sharedStep<Done>(make: () => Promise<Done>): () => Promise<Done> {
  const step = shared(async () => ({ done: await make(), async [Symbol.asyncDispose]() {} }));
  return async () => (await step()).done;
}
