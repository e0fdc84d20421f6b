import { expect, test } from "vitest";
import { AcceptWatch } from "../../src/server/http_listener.ts";

test("a listener is stuck when one waited at the last look too and none was accepted since", () => {
  let waits = false;
  const watch = new AcceptWatch(() => waits);
  expect([watch.isStuck(), watch.isStuck()]).toEqual([false, false]);
  waits = true;
  expect(watch.isStuck()).toBe(false); // it may have come this moment
  watch.accepted();
  expect(watch.isStuck()).toBe(false); // another one waits, and one was accepted
  expect(watch.isStuck()).toBe(true);
  waits = false;
  expect(watch.isStuck()).toBe(false);
  waits = true;
  expect(watch.isStuck()).toBe(false);
});
