import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Purpose } from "../../src/executor/boot.ts";
import { beginExaminer, type BegunExaminer, examinerPurpose } from "../../src/executor/examiner.ts";
import { Launcher } from "../../src/executor/launch.ts";
import { layoutOf } from "../../src/executor/layout.ts";
import { endOfChild, spawnChild } from "../../src/os/child_process.ts";
import { fileCalls } from "../../src/os/libc.ts";
import { readProc, sendSignal, SIGKILL, startTimeOf } from "../../src/os/process.ts";
import { load } from "../config/loading.ts";

let state = "";
let directory = "";
const { limits: LIMITS } = load('mode = "demo"').config;
const options = { limits: LIMITS, variable: () => undefined };

beforeEach(async () => {
  state = Deno.makeTempDirSync({ prefix: "openexec-examiner-" });
  directory = join(state, "executors");
  await Launcher.open(directory, options); // an earlier start
});
afterEach(() => Deno.removeSync(state, { recursive: true }));

/** As the first stage of a start does. */
function begin(limits = LIMITS): BegunExaminer {
  const examiner = beginExaminer(directory, { limits });
  if (examiner === null) throw new Error("it was not begun");
  return examiner;
}

/** The pid of the first executor that a launcher starts for such a purpose, once it can take a run. */
async function firstExecutor(
  examiner: BegunExaminer,
  changed: (purpose: Purpose) => Partial<Purpose> = () => ({}),
): Promise<number> {
  const launcher = await Launcher.open(directory, { ...options, examiner });
  const purpose = examinerPurpose(launcher.layout, 0);
  const process = launcher.start(
    { ...purpose, ...changed(purpose), handlers: new Map() },
    () => {},
  );
  expect(await process.ready()).toBe(true);
  expect(Deno.readDirSync(directory).some(({ name }) => name === String(process.pid))).toBe(true);
  process.retire();
  await process.exited;
  return process.pid;
}

test("an examiner that was begun is the first executor", async () => {
  const examiner = begin();
  expect(await firstExecutor(examiner)).toBe(examiner.child.pid);
});

const others: readonly [string, (purpose: Purpose) => Partial<Purpose>][] = [
  [
    "has other permissions",
    ({ grants }) => ({ grants: { ...grants, read: [...grants.read, "/etc/hostname"] } }),
  ],
  ["has another limit of memory", ({ memoryBytes }) => ({ memoryBytes: 2 * memoryBytes })],
  ["gives its workers other permissions", ({ grants }) => ({ workerGrants: grants })],
  ["has other workers", ({ discipline }) => ({ discipline: { ...discipline, spares: 1 } })],
];

test.each(others)("one that %s is ended, and another takes its place", async (_, changed) => {
  const examiner = begin();
  expect(await firstExecutor(examiner, changed)).not.toBe(examiner.child.pid);
  await expect.poll(() => startTimeOf(examiner.child.pid)).toBe(null);
});

test("one that was told other limits is ended, and another takes its place", async () => {
  const examiner = begin({ ...LIMITS, resultBytes: LIMITS.resultBytes + 1 });
  expect(await firstExecutor(examiner)).not.toBe(examiner.child.pid);
  await expect.poll(() => startTimeOf(examiner.child.pid)).toBe(null);
});

test.each([
  ["import_map.json", "the import map"],
  ["modules/openexec.mjs", "what handlers import"],
  ["program/src/executor/child/stage.js", "its program"],
  ["program/src/executor/child/worker.js", "what runs in its workers"],
])("one that may have loaded another %s is ended, and another takes its place", async (file) => {
  const path = join(directory, file);
  const whole = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, `${whole} `);
  const examiner = begin();
  expect(await firstExecutor(examiner)).not.toBe(examiner.child.pid);
  expect(Deno.readTextFileSync(path)).toBe(whole);
  await expect.poll(() => startTimeOf(examiner.child.pid)).toBe(null);
});

test("one that has ended is given back to the kernel, and another takes its place", async () => {
  const examiner = begin();
  sendSignal(examiner.child.pid, SIGKILL);
  await expect.poll(() => startTimeOf(examiner.child.pid)).toBe(null); // it waits to be asked for
  expect(await firstExecutor(examiner)).not.toBe(examiner.child.pid);
  await expect.poll(() => readProc(`/proc/${examiner.child.pid}/stat`)).toBe(null);
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
  const examiner = { child: { pid: stranger, channel: 1_000_000, stderr: 1_000_001 }, terms: "" };
  expect(await firstExecutor(examiner)).not.toBe(stranger);
  expect(startTimeOf(stranger)).not.toBe(null);
  sendSignal(-parent.pid, SIGKILL);
  await expect.poll(() => endOfChild(parent.pid)).toBe("SIGKILL");
  for (const descriptor of [parent.channel, parent.stderr]) fileCalls().close(descriptor);
});

test("one that nobody takes ends by itself when the other end of its channel is closed", async () => {
  const { pid, channel, stderr } = begin().child;
  expect(endOfChild(pid)).toBe(null);
  fileCalls().close(channel);
  await expect.poll(() => endOfChild(pid), { timeout: 30_000 }).toBe("exit code 0");
  fileCalls().close(stderr);
});

test("none is begun from a folder that others had a say in, since it runs what is there before that is looked at", () => {
  const begun = () => beginExaminer(directory, { limits: LIMITS });
  Deno.chmodSync(directory, 0o777);
  expect(begun()).toBe(null);
  Deno.chmodSync(directory, 0o700);
  Deno.renameSync(directory, `${directory}.real`);
  Deno.symlinkSync(`${directory}.real`, directory);
  expect(begun()).toBe(null);
});

test.skipIf(Deno.uid() !== 0)(
  "none is begun from another user's folder [only root can give one away]",
  () => {
    Deno.chownSync(directory, 65_534, 65_534);
    expect(beginExaminer(directory, { limits: LIMITS })).toBe(null);
  },
);

test("none is begun from a state directory that others may write to", () => {
  Deno.chmodSync(state, 0o770);
  expect(beginExaminer(directory, { limits: LIMITS })).toBe(null);
});

test("none is begun where no earlier start left it a program", () => {
  Deno.removeSync(layoutOf(directory).importMap);
  expect(beginExaminer(directory, { limits: LIMITS })).toBe(null);
  expect(beginExaminer(join(directory, "missing"), { limits: LIMITS })).toBe(null);
});
