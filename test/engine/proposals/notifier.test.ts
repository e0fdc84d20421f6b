import { expect, test } from "vitest";
import { Notifier } from "../../../src/engine/proposals/notifier.ts";
import { TestClock } from "../../ledger/scene.ts";
import { until } from "../../support/until.ts";
import { proposalRecord } from "../../ledger/proposals/sample.ts";

/** A command that ends when the test says so, and what it was told. */
function notifierUnderTest() {
  const clock = new TestClock();
  const told: string[] = [];
  const ends: (() => void)[] = [];
  const run = (input: string) => {
    told.push(JSON.parse(input).id);
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.push(resolve);
    return promise;
  };
  const notifier = new Notifier(clock, run, () => 1, () => {});
  const propose = (id: string, canonical = id) =>
    notifier.proposed({ ...proposalRecord(), id }, canonical);
  return { clock, told, ends, notifier, propose };
}

test("one command at a time: the latest is told of once it has ended", async () => {
  const { told, ends, propose } = notifierUnderTest();
  for (const id of ["a", "b", "c"]) propose(id);
  expect(told).toEqual(["a"]);
  ends[0]?.();
  await until(() => told.length === 2);
  expect(told).toEqual(["a", "c"]);
});

test("equal ones within a minute are one, and at most six are told of in a minute", async () => {
  const { clock, told, ends, notifier, propose } = notifierUnderTest();
  for (let n = 0; n < 20; n++) {
    propose(`p-${n}`, n % 2 === 0 ? "same" : `other-${n}`);
    ends.at(-1)?.();
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(told).toEqual(["p-0", "p-1", "p-3", "p-5", "p-7", "p-9"]);
  clock.pass(60_001);
  propose("later", "same");
  await until(() => told.length === 7);
  expect(told.at(-1)).toBe("later");
  notifier.close();
});
