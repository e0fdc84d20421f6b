/** What one run may leave for the next, and what it may not. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { array, number, object, parse } from "valibot";
import { handler, PoolUnderTest } from "./pool_under_test.ts";

let under: PoolUnderTest;

beforeAll(async () => {
  under = await PoolUnderTest.start({
    fresh: handler("keeps.ts"),
    process: handler("keeps.ts", { isolation: "process" }),
    reuse: handler("keeps.ts", { isolation: "reuse" }),
    begins: handler("begins.ts"),
    names: handler("names.ts"),
  });
});

afterAll(() => under.close());

async function run(action: string, then = "return") {
  return parse(object({ runs: number(), pid: number() }), await under.result(action, { then }));
}

async function pidOf(pool: PoolUnderTest): Promise<number> {
  return parse(object({ pid: number() }), await pool.result("fresh", { then: "return" })).pid;
}

test.each(["fresh", "process"])(
  "%s: every run has its own process, and that of the run before is gone",
  async (action) => {
    const [first, second] = [await run(action), await run(action)];
    expect([first.runs, second.runs]).toEqual([1, 1]);
    expect(second.pid).not.toBe(first.pid);
    await expect.poll(() => under.pids()).not.toContain(first.pid);
  },
);

test("fresh: the next run's process was started before it was asked for", async () => {
  const alone = await PoolUnderTest.start({ fresh: handler("keeps.ts") });
  const first = await pidOf(alone);
  const others = () => alone.pids().filter((pid) => pid !== first);
  await expect.poll(() => others().length).toBe(2); // one checks payloads
  const started = others();
  expect(started).toContain(await pidOf(alone));
  await alone.close();
});

test("a handler runs that names parts of the runtime, and one that there is not", async () => {
  expect(await under.result("names")).toEqual(["node:fs", "node:nothing"]);
});

test("reuse: runs follow each other in one process", async () => {
  const first = await run("reuse");
  expect(await run("reuse")).toEqual({ runs: first.runs + 1, pid: first.pid });
});

test.each(["throw", "exit"])(
  "reuse: after a run that ended by %s, the process is another",
  async (then) => {
    await run("reuse");
    expect((await under.run("reuse", { then })).status).not.toBe("succeeded");
    expect((await run("reuse")).runs).toBe(1);
  },
);

test("reuse: what an earlier run left ticking does not log for it", async () => {
  const first = await under.start(
    under.pool.acquire("reuse"),
    "reuse",
    { then: "linger" },
    "lingering",
  );
  expect(first.outcome.status).toBe("succeeded");
  const next = await under.start(under.pool.acquire("reuse"), "reuse", { then: "return" }, "next");
  expect(next.outcome).toMatchObject({
    status: "succeeded",
    resultText: expect.stringContaining("runs"),
  });
  await run("reuse");
  expect(under.heard.lines.filter(({ execution }) => execution === "lingering")).toEqual([]);
  await under.run("reuse", { then: "throw" });
});

test("reuse: lines that three runs log after their end end no later run", async () => {
  for (let i = 0; i < 3; i++) await run("reuse", "logLate");
  const [waited, next] = [await run("reuse", "await3"), await run("reuse")];
  expect(next).toEqual({ pid: waited.pid, runs: waited.runs + 1 });
  await under.run("reuse", { then: "throw" });
});

test("reuse: a run may break what the next one stands on; then that one fails too, and the process is another", async () => {
  await run("reuse", "poison");
  expect((await under.run("reuse", { then: "return" })).status).toBe("crashed");
  expect((await run("reuse")).runs).toBe(1);
});

test("a slot that was given back unused can be taken again, and runs once only", async () => {
  const slot = under.pool.acquire("fresh");
  slot.release();
  expect(
    await slot.run({
      executionId: "late",
      action: "fresh",
      canonicalRequest: "{}",
      idempotencyKey: "k",
      traceparent: null,
    }),
  )
    .toEqual({
      outcome: { status: "outcome_unknown", code: "outcome_unknown" },
      startedAtMs: null,
    });
  expect((await run("fresh")).runs).toBe(1);
});

test("a handler that was made ready has not begun: nothing in its file runs before the start message has left", async () => {
  for (let run = 0; run < 3; run++) {
    await new Promise((resolve) => setTimeout(resolve, 200)); // the worker that waits has had its time to do wrong
    const slot = under.pool.acquire("begins");
    const { outcome, startedAtMs } = await under.start(slot, "begins", {});
    if (outcome.status !== "succeeded") throw new Error(outcome.status);
    for (const beganAtMs of parse(array(number()), JSON.parse(outcome.resultText))) {
      expect(beganAtMs).toBeGreaterThanOrEqual(startedAtMs ?? Infinity);
    }
  }
});
