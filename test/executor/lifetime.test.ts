/** How long executor processes live: no longer than needed, and no longer than their daemon. */

import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { sendSignal, SIGKILL, startTimeOf } from "../../src/os/process.ts";
import { PidFiles } from "../../src/executor/pid_files.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

const open: PoolUnderTest[] = [];
const daemons: Deno.ChildProcess[] = [];

afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    sendSignal(daemon.pid, SIGKILL);
    await daemon.status;
  }
  for (const under of open.splice(0)) await under.close();
});

async function start(...args: Parameters<typeof PoolUnderTest.start>): Promise<PoolUnderTest> {
  const under = await PoolUnderTest.start(...args);
  open.push(under);
  return under;
}

function isAlive(pid: number): boolean {
  return startTimeOf(pid) !== null;
}

const WAITING = handler("context.ts", { timeoutMs: 60_000, concurrency: 2 });

test("nothing is started before it is needed, and what is idle is ended", async () => {
  const under = await start({ context: WAITING }, { idleMs: 50 });
  await expect.poll(() => under.pids()).toEqual([]);
  await under.result("context", { do: "tell" });
  await expect.poll(() => under.pool.statistics().processes).toBe(0);
  expect(under.pids()).toEqual([]);
  expect(under.pool.statistics().restarts).toBe(0);
  await under.result("context", { do: "tell" });
});

test("each slot has its own process, and an ended one is replaced before it is asked for", async () => {
  const under = await start({ context: WAITING });
  const runs = [0, 1].map(() => under.run("context", { do: "wait" }));
  await expect.poll(() => under.heard.lines.length).toBe(2); // both wait
  const [victim = 0, survivor = 0] = under.heard.lines.map(({ text }) =>
    Number(text.split(" ")[1])
  );
  expect(victim).not.toBe(survivor);
  sendSignal(victim, SIGKILL);
  expect(await Promise.race(runs)).toEqual({ status: "outcome_unknown", code: "outcome_unknown" });
  await expect.poll(() => under.pool.statistics()).toMatchObject({ running: 1, restarts: 1 });
  expect(isAlive(survivor)).toBe(true);
  expect(under.pool.healthy()).toBe(true);
});

test("a built-in's process that is killed takes its runs along, and the next ones run", async () => {
  const under = await start({ echo: ECHO });
  await under.result("echo");
  for (const pid of under.pids()) sendSignal(pid, SIGKILL);
  await expect.poll(() => under.pool.statistics().restarts).toBe(1);
  expect(await under.result("echo", { a: 1 })).toEqual({ a: 1 });
});

test("a process that is killed before a run was sent to it loses nothing", async () => {
  // no spare that is killed as well, and counted
  const under = await start({ context: { ...WAITING, isolation: "reuse" } });
  await under.result("context", { do: "tell" });
  const pids = under.pids();
  const slot = under.pool.acquire("context");
  for (const pid of pids) sendSignal(pid, SIGKILL);
  await expect.poll(() => under.pool.statistics().restarts).toBe(1);
  const { outcome } = await under.start(slot, "context", { do: "tell" });
  expect(outcome.status).toBe("succeeded");
});

test("close() ends every process, and what runs is unknown", async () => {
  const under = await PoolUnderTest.start({ context: WAITING });
  await under.result("context", { do: "tell" });
  const run = under.run("context", { do: "wait" });
  const pids = under.pids();
  await under.close();
  expect(await run).toEqual({ status: "outcome_unknown", code: "outcome_unknown" });
  expect(pids.filter(isAlive)).toEqual([]);
  expect(() => under.pool.acquire("context")).toThrow(
    expect.objectContaining({ code: "executor_unavailable" }),
  );
});

test("executors that cannot be started are refused and reported, and tried again", async () => {
  const under = await start({ context: WAITING });
  const map = join(under.stateDir, "executors/import_map.json");
  Deno.renameSync(map, `${map}.away`);
  expect(await under.run("context", { do: "tell" })).toMatchObject({ code: "outcome_unknown" });
  expect(under.pool.healthy()).toBe(false);
  expect(() => under.pool.acquire("context")).toThrow(
    expect.objectContaining({ code: "executor_unavailable" }),
  );
  Deno.renameSync(`${map}.away`, map);
  await expect.poll(() => under.pool.healthy()).toBe(true);
  expect((await under.run("context", { do: "tell" })).status).toBe("succeeded");
});

test("an executor that cannot be put on record, as on a full disk, is refused and reported, and takes nothing along", async () => {
  const under = await start({ context: WAITING });
  const records = join(under.stateDir, "executors");
  Deno.renameSync(records, `${records}.away`);
  await expect(under.pool.acquire("context").ready()).rejects.toMatchObject({
    code: "executor_unavailable",
  });
  expect(under.heard.deaths.length).toBeGreaterThan(0);
  Deno.renameSync(`${records}.away`, records);
  await expect.poll(() => under.pool.healthy()).toBe(true);
  expect((await under.run("context", { do: "tell" })).status).toBe("succeeded");
});

test("while executors cannot be started nobody is made to wait for one", async () => {
  const under = await start({ context: WAITING, echo: ECHO });
  await under.result("echo", {});
  const map = join(under.stateDir, "executors/import_map.json");
  Deno.renameSync(map, `${map}.away`);
  for (const pid of under.pids()) sendSignal(pid, SIGKILL);
  await expect.poll(() => under.pool.healthy()).toBe(false);
  const { restarts } = under.pool.statistics();
  while (under.pool.statistics().restarts < restarts + 2) {
    expect(() => under.pool.acquire("echo")).toThrow(
      expect.objectContaining({ code: "executor_unavailable" }),
    );
    await new Promise((resolve) => setTimeout(resolve));
  }
  Deno.renameSync(`${map}.away`, map);
  await expect.poll(() => under.pool.healthy()).toBe(true);
  expect(await under.result("echo", { a: 1 })).toEqual({ a: 1 });
});

test("an executor whose daemon was killed ends by itself", async () => {
  const { daemon, executor } = await startElsewhere();
  daemon.kill("SIGKILL");
  await expect.poll(() => isAlive(executor)).toBe(false);
});

test("a starting pool first ends the executors that its predecessor left", async () => {
  const { daemon, executor, stateDir } = await startElsewhere();
  // neither can notice anything: the daemon is stopped, so that its end of the channel stays open
  daemon.kill("SIGSTOP");
  const under = await start({ echo: ECHO }, { stateDir });
  expect(isAlive(executor)).toBe(false);
  expect(under.pids()).not.toContain(executor);
});

test("a record of another process that now has that pid ends nobody", async () => {
  const directory = Deno.makeTempDirSync();
  Deno.writeTextFileSync(join(directory, String(Deno.pid)), "another boot 1234");
  await new PidFiles(directory).endPredecessors();
  expect(Array.from(Deno.readDirSync(directory))).toEqual([]);
  Deno.removeSync(directory, { recursive: true });
});

/** A pool in another process, with a run in it. */
async function startElsewhere() {
  const stateDir = Deno.makeTempDirSync({ prefix: "openexec-elsewhere-" });
  const script = new URL("./elsewhere.ts", import.meta.url).pathname;
  const daemon = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--unstable-worker-options", script, stateDir],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  daemons.push(daemon);
  const reader = daemon.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const executor = Number(new TextDecoder().decode(value));
  expect(isAlive(executor)).toBe(true);
  return { daemon, executor, stateDir };
}
