import { expect, test } from "vitest";
import { shared } from "../support/shared.ts";
import { Held } from "./held.ts";

const scene = shared(() => Held.start({ concurrency: 1 }));

const COPIES = 8;

test("copies of one request that arrive together are one run and its replays, though there is one slot", async () => {
  const held = await scene();
  const approved = held.approve("once", "waited", "hold");
  const answers = Promise.all(
    Array.from({ length: COPIES }, () => held.send(approved, { prefer: "wait=60" })),
  );
  await held.started("waited");
  held.letGo("waited");
  const told = (await answers).map(({ status, json }) => [status, json.replayed, json.id]);
  const [id] = held.starts("waited");
  expect(told.sort()).toEqual([[200, false, id], ...Array(COPIES - 1).fill([200, true, id])]);
  expect(held.starts("waited")).toHaveLength(1);
});

test("copies that do not wait hear that it is in flight, and never that nothing runs", async () => {
  const held = await scene();
  const approved = held.approve("once", "asked", "hold");
  const answers = Array.from({ length: COPIES }, () => held.send(approved));
  const first = await Promise.race(answers);
  expect(first.json).toMatchObject({
    status: 409,
    code: "execution_in_flight",
    effect: "unknown",
    retry: "same_request",
    execution: { status: "reserved" },
  });
  held.letGo("asked");
  const codes = (await Promise.all(answers)).map(({ json }) => json.code ?? json.status);
  expect(codes.sort()).toEqual([...Array(COPIES - 1).fill("execution_in_flight"), "succeeded"]);
  expect(held.starts("asked")).toHaveLength(1);
});

test("a request under another nonce is told that the slot is taken", async () => {
  const held = await scene();
  const running = held.send(held.approve("once", "first", "hold"));
  await held.started("first");
  const second = await held.send(held.approve("once", "second", "end"));
  expect(second.json).toMatchObject({ code: "executor_busy", effect: "none" });
  held.letGo("first");
  expect((await running).status).toBe(200);
});

test("limits.in_flight counts what runs, and nobody who only waits for it", async () => {
  await using held = await Held.start({ tables: "[limits]\nin_flight = 2\n" });
  const first = held.approve("once", "counted", "hold");
  const answers = Array.from({ length: COPIES }, () => held.send(first, { prefer: "wait=60" }));
  await held.started("counted");
  const second = held.send(held.approve("again", "another", "hold"));
  await held.started("another");
  expect((await held.send(held.approve("again", "third", "end"))).json.code).toBe("executor_busy");
  for (const label of ["counted", "another"]) held.letGo(label);
  expect((await Promise.all([...answers, second])).map(({ status }) => status)).toEqual(
    Array(COPIES + 1).fill(200),
  );
  expect((await held.send(held.approve("again", "third", "end"))).status).toBe(200);
});
