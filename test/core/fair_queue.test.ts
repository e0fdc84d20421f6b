import { expect, test } from "vitest";
import { FairQueue } from "../../src/core/wait.ts";

test("a key with much in the queue waits for a key with little", () => {
  const queue = new FairQueue<string>();
  for (const entry of ["a1", "a2", "a3", "a4"]) queue.add(1, entry);
  expect(queue.take()).toBe("a1");
  queue.add(2, "b1");
  queue.add(3, "c1");
  queue.add(3, "c2");
  expect(Array.from({ length: 7 }, () => queue.take()))
    .toEqual(["a2", "b1", "c1", "a3", "c2", "a4", undefined]);
});
