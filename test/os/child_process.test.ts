import { readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { NO_PERMISSIONS } from "../../src/executor/permissions.ts";
import { holdExecutor } from "../../src/executor/spawn.ts";
import {
  type Child,
  type ChildOrder,
  exitOfChild,
  spawnChild,
} from "../../src/os/child_process.ts";
import { libc } from "../../src/os/libc.ts";
import { isGroupAlive, sendSignal, SIGKILL, startTimeOf } from "../../src/os/process.ts";

const orderOf = (script: string): ChildOrder => ({
  path: "/bin/sh",
  args: ["-c", script],
  environment: { GIVEN: "it", PATH: "/usr/bin:/bin" },
});

const shell = (script: string): Child => spawnChild(orderOf(script));

const openDescriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

/** Reads until the other end is closed. */
function textFrom(descriptor: number): string {
  const chunk = new Uint8Array(65_536);
  let text = "";
  for (
    let length;
    (length = Number(libc.read(descriptor, chunk, BigInt(chunk.length)))) > 0;
  ) {
    text += new TextDecoder().decode(chunk.subarray(0, length));
  }
  libc.close(descriptor);
  return text;
}

const O_CLOEXEC = 0o2000000;

function isCloseOnExec(descriptor: number): boolean {
  const flags = /^flags:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${descriptor}`))
    ?.[1];
  return (parseInt(flags ?? "", 8) & O_CLOEXEC) !== 0;
}

test("spawnChild() gives a child what it is given, four descriptors, and a session of its own", async () => {
  Deno.env.set("NOT_GIVEN", "inherited");
  const inherited = libc.open(new TextEncoder().encode("/etc/passwd\0"), 0); // without close-on-exec
  const { pid, channel, stderr } = shell(
    'echo "$GIVEN|$NOT_GIVEN|$PWD" >&3; ls /proc/$$/fd >&3; cut -d" " -f5,6 /proc/$$/stat >&3; echo dies >&2; exit 3',
  );
  expect([inherited, channel, stderr].map(isCloseOnExec)).toEqual([false, true, true]); // the first is as it was
  const said = textFrom(channel).trim().split("\n");
  expect(textFrom(stderr)).toBe("dies\n");
  expect(said[0]).toBe("it||/");
  expect(said.slice(1, -1).filter((descriptor) => Number(descriptor) < 10)).toEqual([
    "0",
    "1",
    "2",
    "3",
  ]);
  expect(said.at(-1)).toBe(`${pid} ${pid}`);
  await expect.poll(() => exitOfChild(pid)).toEqual({ text: "exit code 3", isOwn: true });
  libc.close(inherited);
});

test("exitOfChild() is null while it lives, and says by what it ended", async () => {
  const { pid, channel, stderr } = shell("read line <&3");
  expect(exitOfChild(pid)).toBe(null);
  sendSignal(pid, SIGKILL);
  await expect.poll(() => exitOfChild(pid)).toEqual({ text: "SIGKILL", isOwn: false });
  expect(startTimeOf(pid)).toBe(null);
  for (const descriptor of [channel, stderr]) libc.close(descriptor);
});

test("exitOfChild() ends what is left of the group before the number can be another's", async () => {
  const { pid, channel, stderr } = shell("sleep 600 & exit 0");
  await expect.poll(() => startTimeOf(pid)).toBe(null); // it waits to be asked for
  expect(isGroupAlive(pid)).toBe(true);
  expect(exitOfChild(pid)).toEqual({ text: "exit code 0", isOwn: true });
  await expect.poll(() => isGroupAlive(pid)).toBe(false);
  for (const descriptor of [channel, stderr]) libc.close(descriptor);
});

test("a program that is not there is an error, and leaves no descriptor open", () => {
  const before = openDescriptors();
  expect(() => spawnChild({ path: "/nowhere/at/all", args: [], environment: {} })).toThrow(
    "cannot be started",
  );
  expect(openDescriptors()).toBe(before);
});

test("what is kept of a child is closed by the next program", () => {
  const { pid, channel, stderr } = shell("read line <&3");
  const next = shell("ls /proc/$$/fd >&3");
  const inNext = textFrom(next.channel).trim().split("\n").map(Number).filter((descriptor) =>
    descriptor < 10
  );
  expect(inNext).toEqual([0, 1, 2, 3]);
  expect(readlinkSync(`/proc/self/fd/${channel}`)).toMatch(/^socket:/);
  sendSignal(-pid, SIGKILL);
  for (const descriptor of [channel, stderr, next.stderr]) libc.close(descriptor);
});

test("an executor's end is noticed although a program that left its group holds its channel open", async () => {
  const executor = holdExecutor(
    spawnChild(orderOf("setsid sleep 600 & echo $! >&2; echo last words >&2; exit 4")),
    NO_PERMISSIONS,
  );
  let said = "";
  executor.stderr.on("data", (chunk: Uint8Array) => said += new TextDecoder().decode(chunk));
  executor.channel.resume();
  expect(await executor.exited).toMatchObject({ text: "exit code 4" });
  expect(said).toContain("last words");
  executor.discard();
  sendSignal(Number(said.split("\n")[0]), SIGKILL);
});
