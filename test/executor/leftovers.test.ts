/** What one run leaves in its process: nothing that another could be hurt by, and no more than the action has. */

import { afterAll, beforeAll, expect, test } from "vitest";
import * as v from "valibot";
import { dataBytesOf, startTimeOf } from "../../src/os/process.ts";
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
      allow: { net: [], read: [folder], write: [folder], env: [], run: [], unix: [] },
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

test("fresh: a worker that runs on is gone with its process, and nobody is told of a death", async () => {
  const deaths = under.heard.deaths.length;
  const { pid } = await leave("fresh", "smallWorker");
  await expect.poll(() => startTimeOf(pid)).toBe(null);
  expect(under.heard.deaths.length).toBe(deaths);
});

test("reuse: what runs leave mapped, together and between them, is no more than the action has", async () => {
  const { pid } = await leave("reuse", "nothing");
  const mapped = () => (dataBytesOf(pid) ?? 0) / MEBIBYTE;
  const before = mapped();
  await leave("reuse", "memoryLater");
  await expect.poll(() => mapped() - before > MEMORY_MEBIBYTES / 2 || dataBytesOf(pid) === null)
    .toBe(true);
  await under.run("reuse", { leave: "memoryNow" });
  expect(mapped() - before).toBeLessThan(MEMORY_MEBIBYTES + EXTRA_MEBIBYTES);
});

test("no temporary file is made where none may be written", async () => {
  expect(await under.run("fresh", { leave: "temporaryFile", folder })).toMatchObject({
    code: "handler_failed",
  });
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
  await expect.poll(() => under.pool.statistics().processes)
    .toBeLessThanOrEqual(processes);
});
