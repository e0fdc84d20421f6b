import { expect, test } from "vitest";
import { sleep, within } from "../../src/core/wait.ts";

test("sleep() rejects with the signal's reason, whether it aborts before or meanwhile", async () => {
  const reason = new Error("enough");
  await expect(sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  const controller = new AbortController();
  const asleep = sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(asleep).rejects.toBe(reason);
  await expect(sleep(1, new AbortController().signal)).resolves.toBeUndefined();
});

test("within() gives the promise's own end if it is in time, and else nothing", async () => {
  await expect(within(Promise.resolve(7), 60_000)).resolves.toBe(7);
  await expect(within(Promise.reject(new Error("no")), 60_000)).rejects.toThrow("no");
  await expect(within(new Promise(() => {}), 1)).resolves.toBeUndefined();
});
