/** Programs that a handler started, and that outlived their executor. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PidFiles } from "../../src/executor/pid_files.ts";
import { isGroupAlive, readProc, sendSignal, SIGKILL, startTimeOf } from "../../src/os/process.ts";
import { testWith } from "../support/tools.ts";

/** A process that leads a group, as executors do, with a child in it. */
async function startGroup(
  script = "sleep 600 >/dev/null & echo $$; wait",
  ...args: string[]
): Promise<{ leader: Deno.ChildProcess; pid: number }> {
  const leader = new Deno.Command("setsid", {
    args: ["sh", "-c", script, ...args],
    stdout: "piped",
  }).spawn();
  const reader = leader.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { leader, pid: Number(new TextDecoder().decode(value)) };
}

/** Its main thread ends at once, and another one sleeps. */
const HEADLESS = `
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait(void *seconds) { sleep(600); return seconds; }
int main(void) {
  pthread_t other;
  pthread_create(&other, 0, wait, 0);
  printf("%d\\n", getpid());
  fflush(stdout);
  pthread_exit(0);
}
`;

testWith("gcc")(
  "one whose main thread has ended is there, and is ended with the others",
  async () => {
    const directory = Deno.makeTempDirSync();
    const [source, program] = [join(directory, "headless.c"), join(directory, "headless")];
    Deno.writeTextFileSync(source, HEADLESS);
    execFileSync("gcc", ["-pthread", "-o", program, source]);
    Deno.mkdirSync(join(directory, "records"));
    const records = new PidFiles(join(directory, "records"));
    const { leader, pid } = await startGroup('exec "$0"', program);
    const record = records.add(pid);
    await expect.poll(() => readProc(`/proc/${pid}/stat`)).toMatch(/\) Z /);
    expect(record).toBe(`${pid}.${startTimeOf(pid)}`);
    expect(isGroupAlive(pid)).toBe(true);
    await records.endPredecessors();
    await leader.status;
    expect([startTimeOf(pid), isGroupAlive(pid)]).toEqual([null, false]);
    Deno.removeSync(directory, { recursive: true });
  },
);

test("a group lives until the last of it has ended", async () => {
  const { leader, pid } = await startGroup();
  sendSignal(pid, SIGKILL);
  await leader.status;
  expect([startTimeOf(pid), isGroupAlive(pid)]).toEqual([null, true]);
  expect(sendSignal(-pid, SIGKILL)).toBe(true);
  await expect.poll(() => isGroupAlive(pid)).toBe(false);
});

test("a starting daemon also ends what outlived an executor of its predecessor", async () => {
  const directory = Deno.makeTempDirSync();
  const records = new PidFiles(directory);
  const { leader, pid } = await startGroup();
  records.add(pid);
  sendSignal(pid, SIGKILL);
  await leader.status;
  await records.endPredecessors();
  expect(isGroupAlive(pid)).toBe(false);
  expect([...Deno.readDirSync(directory)]).toEqual([]);
  Deno.removeSync(directory, { recursive: true });
});

test("a group of another boot is left alone: its number says nothing", async () => {
  const directory = Deno.makeTempDirSync();
  const { leader, pid } = await startGroup();
  Deno.writeTextFileSync(`${directory}/${pid}`, `${crypto.randomUUID()} 1`);
  sendSignal(pid, SIGKILL);
  await leader.status;
  await new PidFiles(directory).endPredecessors();
  expect(isGroupAlive(pid)).toBe(true);
  sendSignal(-pid, SIGKILL);
  Deno.removeSync(directory, { recursive: true });
});
