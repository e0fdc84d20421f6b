/** Each attack of a handler on its executor: how it ends, and that nobody else notices. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

let under: PoolUnderTest;
let folder: string;

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-bystander-" });
  under = await PoolUnderTest.start({
    echo: ECHO,
    bystander: handler("bystander.ts", {
      timeoutMs: 60_000,
      concurrency: 4,
      isolation: "reuse",
      allow: { net: [], read: [folder], write: [], env: [], run: [], unix: [] },
    }),
    attack: handler("attacks.ts", { timeoutMs: 20_000, memoryBytes: 64 * 1024 * 1024 }),
    hurried: handler("attacks.ts", { timeoutMs: 2_000 }),
    // a worker of a handler's own reserves more than half a gibibyte before it does anything
    roomy: handler("attacks.ts", { memoryBytes: 1024 * 1024 * 1024 }),
  });
});

afterAll(async () => {
  await under.close();
  Deno.removeSync(folder, { recursive: true });
});

type End = ErrorCode | "succeeded";

const ENDLESS = [
  "endlessLoop",
  "endlessMicrotasks",
  "endlessTimers",
  "endlessRegExp",
  "sleepsInTheKernel",
  "ignoresItsSignal",
];

/** What cannot be had any more is refused to the handler, or ends its process, whoever asks for it first. */
const BOMBS = [
  "heapBomb",
  "heapBombWithFlags",
  "typedArrayBomb",
  "sharedArrayBomb",
  "resizedBufferBomb",
  "blobBomb",
  "wasmBomb",
];

const ATTACKS: readonly (readonly [attack: string, end: End, restarts: number])[] = [
  // throwing
  ["deepRecursion", "handler_failed", 0],
  ["throwsError", "handler_failed", 0],
  ["throwsNumber", "handler_failed", 0],
  ["throwsUndefined", "handler_failed", 0],
  ["throwsWhatThrows", "handler_failed", 0],
  ["rejects", "handler_failed", 0],
  ["thenable", "handler_failed", 0],
  ["unhandledRejection", "handler_crashed", 1],
  ["throwsInTimer", "handler_crashed", 1],
  // leaving
  ["denoExit", "handler_crashed", 1],
  ["processExit", "handler_crashed", 1],
  ["reallyExit", "handler_crashed", 1],
  ["selfClose", "handler_crashed", 1],
  ["abort", "outcome_unknown", 1],
  ["killItself", "handler_failed", 0],
  ["killParent", "handler_failed", 0],
  ["killAll", "handler_failed", 0],
  ["signalListeners", "succeeded", 0],
  // speaking for others
  ["floodsChannels", "succeeded", 0],
  ["dispatchesEvents", "succeeded", 0],
  ["forgesFrame", "outcome_unknown", 1],
  ["isReadyAgain", "outcome_unknown", 1],
  ["logsForNobody", "outcome_unknown", 1],
  ["writesGarbage", "outcome_unknown", 1],
  ["writesHugeLength", "outcome_unknown", 1],
  // the process's descriptors
  ["readsDescriptors", "succeeded", 0],
  ["writesDescriptors", "succeeded", 0],
  ["adoptsSockets", "outcome_unknown", 1],
  ["adoptsListeners", "handler_crashed", 1],
  ["noise", "succeeded", 0],
  ["revokesModules", "succeeded", 0],
  // what its own outcome is told by: no more is lost than that
  ["poisonsPrototypes", "handler_crashed", 1],
];

async function expectEnd(
  action: string,
  attack: string,
  ends: Readonly<Partial<Record<End, number>>>,
): Promise<void> {
  const before = under.pool.statistics().restarts;
  const until = join(folder, attack);
  const bystander = under.start(
    under.pool.acquire("bystander"),
    "bystander",
    { until },
    "bystander",
  );
  let end: End | undefined;
  try {
    const outcome = await under.run(action, { attack });
    end = outcome.status === "succeeded" ? "succeeded" : outcome.code;
    expect(Object.keys(ends)).toContain(end);
    if (outcome.status === "succeeded") expect(outcome.resultText).toBe('"done"');
    expect(await under.result("echo", { still: "there" })).toEqual({ still: "there" });
  } finally {
    Deno.writeTextFileSync(`${until}.new`, "undisturbed");
    Deno.renameSync(`${until}.new`, until);
  }
  expect((await bystander).outcome).toEqual({ status: "succeeded", resultText: '"undisturbed"' });
  expect(await under.run(action, { attack: "throwsError" })).toMatchObject({
    code: "handler_failed",
  });
  await expect.poll(() => under.pool.statistics().restarts - before).toBe(end && ends[end]);
  expect(under.pool.healthy()).toBe(true);
}

test.each(ENDLESS)("%s is ended with its process when its time is over", async (attack) => {
  await expectEnd("hurried", attack, { handler_timed_out: 1 });
});

// a read that waits keeps the channel: whether it had begun is a race
test("closesChannel ends with its process, at once or when its time is over", async () => {
  await expectEnd("hurried", "closesChannel", {
    handler_timed_out: 1,
    outcome_unknown: 1,
    handler_crashed: 1,
  });
});

// its socket makes the descriptor one that does not wait: a read that begins later fails
test("readsChannel hears nothing, and ends its own process at most", async () => {
  await expectEnd("attack", "readsChannel", { succeeded: 0, handler_crashed: 1 });
});

test.each(BOMBS)("%s gets no more memory than the action has", async (attack) => {
  await expectEnd("attack", attack, { handler_failed: 0, outcome_unknown: 1 });
});

test.each(ATTACKS)("%s ends as %s, with %i processes lost", async (attack, end, restarts) => {
  await expectEnd("attack", attack, { [end]: restarts });
});

test("leavesWorker succeeds, and nobody is told of the process that goes with it (leftovers.test.ts)", async () => {
  await expectEnd("roomy", "leavesWorker", { succeeded: 0 });
});
