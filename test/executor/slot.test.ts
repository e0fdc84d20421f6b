/** One execution in one slot: what it is told, how long it may take, and what it may say. */

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Slot } from "../../src/executor/types.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

let under: PoolUnderTest;

beforeAll(async () => {
  under = await PoolUnderTest.start({
    echo: { ...ECHO, concurrency: 3 },
    context: handler("context.ts", { timeoutMs: 10_000, concurrency: 2 }),
    hurried: handler("context.ts", { timeoutMs: 400 }),
    brief: handler("context.ts", { timeoutMs: 3_000 }),
  }, { clock: { nowMs: () => 1_234 } });
});

afterAll(() => under.close());

test("a handler knows its execution, its idempotency key and its trace", async () => {
  const { outcome, startedAtMs } = await under.pool.acquire("context").run({
    executionId: "an execution",
    action: "context",
    canonicalRequest: '{"action":"context","payload":{"do":"tell"}}',
    idempotencyKey: "a key",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  });
  expect(startedAtMs).toBe(1_234);
  expect(outcome.status === "succeeded" && JSON.parse(outcome.resultText)).toEqual({
    executionId: "an execution",
    idempotencyKey: "a key",
    secrets: {},
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  });
});

test("the signal aborts before the time limit ends the run", async () => {
  expect(await under.result("brief", { do: "abort" })).toMatch(/^TimeoutError: /);
});

test("a run that ignores its signal is ended, and its process is gone when that is said", async () => {
  expect(await under.run("hurried", { do: "wait" })).toEqual({
    status: "timed_out",
    code: "handler_timed_out",
  });
  for (const pid of under.heard.deaths.map((death) => death.pid)) {
    expect(() => Deno.statSync(`/proc/${pid}`)).toThrow(Deno.errors.NotFound);
  }
});

test.each(["echo", "context"])(
  "%s: what is over its concurrency is refused, until a slot is given back",
  (action) => {
    const slots: Slot[] = [];
    const refused = () => {
      for (let i = 0; i < 100; i++) slots.push(under.pool.acquire(action));
    };
    expect(refused).toThrow(expect.objectContaining({ name: "Refusal", code: "executor_busy" }));
    expect(slots.length).toBe(action === "echo" ? 3 : 2);
    expect(under.pool.statistics().running).toBe(slots.length);
    slots.shift()?.release();
    slots.push(under.pool.acquire(action));
    for (const slot of slots) slot.release();
    expect(under.pool.statistics().running).toBe(0);
  },
);

test("an action that is not registered has no slot", () => {
  expect(() => under.pool.acquire("nothing")).toThrow(
    expect.objectContaining({ code: "action_unknown" }),
  );
});

test("built-ins run many at a time in one process", async () => {
  const { processes } = under.pool.statistics();
  const payloads = Array.from({ length: 30 }, (_, i) => ({ i }));
  const results: unknown[] = [];
  for (let i = 0; i < payloads.length; i += 3) {
    results.push(
      ...await Promise.all(
        payloads.slice(i, i + 3).map((payload) => under.result("echo", payload)),
      ),
    );
  }
  expect(results).toEqual(payloads);
  expect(under.pool.statistics().processes).toBeLessThanOrEqual(processes + 1);
});

test("a handler's lines reach the log with its execution, without control characters' meaning being lost to it", async () => {
  const slot = under.pool.acquire("context");
  await under.start(slot, "context", { do: "log", lines: ["one", "two\nlines"] }, "speaker");
  const said = under.heard.lines.filter(({ execution }) => execution === "speaker").map((
    { text },
  ) => text);
  expect(said).toEqual(["with fields { a: 1 }", "one", "two\nlines"]);
});

test("lines are cut, and after many the rest is dropped, once said so", async () => {
  await under.start(under.pool.acquire("context"), "context", { do: "flood" }, "flooder");
  const lines = under.heard.lines.filter(({ execution }) => execution === "flooder").map((
    { text },
  ) => text);
  expect(lines.length).toBe(201);
  expect(lines.at(-1)).toBe("(further lines were dropped)");
  expect(Math.max(...lines.map((line) => line.length))).toBe(16_384);
});
