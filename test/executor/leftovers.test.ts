/** What one run leaves in its process: nothing that another could be hurt by, and no more than the action has. */

import { afterAll, beforeAll, expect, test } from "vitest";
import * as v from "valibot";
import { dataBytesOf } from "../../src/os/process.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

const MEMORY_MEBIBYTES = 128;
const MEBIBYTE = 1024 * 1024;
const memoryBytes = MEMORY_MEBIBYTES * MEBIBYTE;
/** What a run has beside that: stacks, buffers. */
const EXTRA_MEBIBYTES = 64;
const isLeft = v.strictObject({ pid: v.number(), heldMebibytes: v.number() });

let under: PoolUnderTest;
let folder: string;

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-elsewhere-" });
  under = await PoolUnderTest.start({
    fresh: handler("leftovers.ts", { memoryBytes }),
    reuse: handler("leftovers.ts", { memoryBytes, isolation: "reuse" }),
    writes: handler("leftovers.ts", {
      allow: { net: [], read: [], write: [folder], env: [], run: [] },
    }),
    hurried: { ...ECHO, timeoutMs: 1 },
  });
});

afterAll(async () => {
  await under.close();
  Deno.removeSync(folder, { recursive: true });
});

async function leave(action: string, what: string) {
  return v.parse(isLeft, await under.result(action, { leave: what }));
}

/** Pids of some runs that follow one another: there may be a spare, so that two processes take turns. */
async function pidsOfRuns(): Promise<number[]> {
  const pids: number[] = [];
  for (let run = 0; run < 8; run++) pids.push((await leave("fresh", "nothing")).pid);
  return pids;
}

test("fresh: a run that leaves little has later ones in its process", async () => {
  const { pid } = await leave("fresh", "nothing");
  expect(await pidsOfRuns()).toContain(pid);
});

test("fresh: where the smallest worker runs on, no later run is in its process, and nobody is told of a death", async () => {
  const deaths = under.heard.deaths.length;
  const { pid } = await leave("fresh", "smallWorker");
  expect(await pidsOfRuns()).not.toContain(pid);
  expect(under.heard.deaths.length).toBe(deaths);
});

test("reuse: what is mapped between two runs, and in many, is no more than the action has", async () => {
  const { pid } = await leave("reuse", "nothing");
  const mapped = () => (dataBytesOf(pid) ?? 0) / MEBIBYTE;
  const before = mapped();
  let last = before;
  const isOver = () => {
    const was = last;
    last = mapped();
    return was === last && last - before > MEMORY_MEBIBYTES / 2;
  };
  for (let run = 0; run < 3; run++) {
    await leave("reuse", "memoryLater");
    await expect.poll(isOver).toBe(true);
    const later = await leave("reuse", "memoryNow");
    expect(later.pid).toBe(pid);
    expect(later.heldMebibytes).toBeGreaterThan(0);
    expect(later.heldMebibytes).toBeLessThan(MEMORY_MEBIBYTES + EXTRA_MEBIBYTES);
  }
});

test("no file grows where none was granted, whoever would write it", async () => {
  const outcome = await under.run("fresh", { leave: "temporaryFile", folder });
  expect(outcome).toMatchObject({ status: "outcome_unknown" });
  expect(under.heard.failures.at(-1)?.reason).toContain("SIGXFSZ");
  expect(await under.run("writes", { leave: "temporaryFile", folder })).toMatchObject({
    status: "succeeded",
  });
});

test("a built-in whose time is over leaves no process behind", async () => {
  const processes = under.pool.statistics().processes;
  const payload = { list: Array.from({ length: 50_000 }, (_, i) => ({ i })) };
  for (let i = 0; i < 3; i++) {
    expect(await under.run("hurried", payload)).toMatchObject({ status: "timed_out" });
  }
  await expect.poll(() => under.pool.statistics().processes, { timeout: 10_000 }).toBe(processes);
});
