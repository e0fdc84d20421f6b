import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { beginExaminer, examinerRights } from "../../src/executor/examiner.ts";
import { NO_GRANTS } from "../../src/executor/grants.ts";
import { Launcher } from "../../src/executor/launch.ts";
import { layoutOf } from "../../src/executor/layout.ts";
import { type Child, endOfChild, spawnChild } from "../../src/os/child_process.ts";
import { fileCalls } from "../../src/os/libc.ts";
import { sendSignal, SIGKILL, startTimeOf } from "../../src/os/process.ts";

let directory = "";
const options = { limits: { requestBytes: 1e6, resultBytes: 1e6 }, variable: () => undefined };

beforeEach(async () => {
  directory = Deno.makeTempDirSync({ prefix: "openexec-examiner-" });
  await Launcher.open(directory, options); // an earlier start
});
afterEach(() => Deno.removeSync(directory, { recursive: true }));

function begin(): Child {
  const child = beginExaminer(directory);
  if (child === null) throw new Error("it was not begun");
  return child;
}

/** The pid of the first executor that a launcher starts with these grants, once it can take a run. */
async function firstExecutor(examiner: Child, more: readonly string[] = []): Promise<number> {
  const launcher = await Launcher.open(directory, { ...options, examiner });
  const { grants, memoryBytes } = examinerRights(launcher.layout);
  const process = launcher.start({
    handlers: new Map(),
    grants: { ...grants, read: [...grants.read, ...more] },
    workerGrants: NO_GRANTS,
    memoryBytes,
    discipline: { runsMax: 0, shared: true, successor: false, spares: 0 },
  }, () => {});
  expect(await process.ready()).toBe(true);
  expect(Deno.readDirSync(directory).some(({ name }) => name === String(process.pid))).toBe(true);
  process.retire();
  await process.exited;
  return process.pid;
}

test("an examiner that was begun is the first executor", async () => {
  const examiner = begin();
  expect(await firstExecutor(examiner)).toBe(examiner.pid);
});

test("one that was started by another order is ended, and another takes its place", async () => {
  const examiner = begin();
  expect(await firstExecutor(examiner, ["/etc/hostname"])).not.toBe(examiner.pid);
  await expect.poll(() => startTimeOf(examiner.pid)).toBe(null);
});

test.each([
  ["import_map.json", "the import map"],
  ["modules/openexec.mjs", "what handlers import"],
  ["program/src/executor/child/stage.js", "its program"],
])("one that may have loaded another %s is ended, and another takes its place", async (file) => {
  const path = join(directory, file);
  const whole = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, `${whole} `);
  const examiner = begin();
  expect(await firstExecutor(examiner)).not.toBe(examiner.pid);
  expect(Deno.readTextFileSync(path)).toBe(whole);
  await expect.poll(() => startTimeOf(examiner.pid)).toBe(null);
});

test("a process that is no child of this one is left alone", async () => {
  const parent = spawnChild({
    path: "/bin/sh",
    args: ["-c", "sleep 600 & echo $! >&2; wait"],
    environment: { PATH: "/usr/bin:/bin" },
  });
  const chunk = new Uint8Array(64);
  const length = Number(fileCalls().read(parent.stderr, chunk, 64n));
  const stranger = Number(new TextDecoder().decode(chunk.subarray(0, length)));
  const examiner = { pid: stranger, channel: 1_000_000, stderr: 1_000_001 };
  expect(await firstExecutor(examiner)).not.toBe(stranger);
  expect(startTimeOf(stranger)).not.toBe(null);
  sendSignal(-parent.pid, SIGKILL);
  await expect.poll(() => endOfChild(parent.pid)).toBe("SIGKILL");
  for (const descriptor of [parent.channel, parent.stderr]) fileCalls().close(descriptor);
});

test("one that nobody takes ends by itself when the other end of its channel is closed", async () => {
  const { pid, channel, stderr } = begin();
  expect(endOfChild(pid)).toBe(null);
  fileCalls().close(channel);
  await expect.poll(() => endOfChild(pid), { timeout: 30_000 }).toBe("exit code 0");
  fileCalls().close(stderr);
});

test("none is begun where no earlier start left it a program", () => {
  Deno.removeSync(layoutOf(directory).importMap);
  expect(beginExaminer(directory)).toBe(null);
  expect(beginExaminer(join(directory, "missing"))).toBe(null);
});
