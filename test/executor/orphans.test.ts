/** Programs that a handler started, and that outlived their executor. */

import { expect, test } from "vitest";
import { PidFiles } from "../../src/executor/pid_files.ts";
import { isGroupAlive, sendSignal, SIGKILL, startTimeOf } from "../../src/os/process.ts";

/** A process that leads a group, as executors do, with a child in it. */
async function startGroup(): Promise<{ leader: Deno.ChildProcess; pid: number }> {
  const leader = new Deno.Command("setsid", {
    args: ["sh", "-c", "sleep 600 >/dev/null & echo $$; wait"],
    stdout: "piped",
  }).spawn();
  const reader = leader.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { leader, pid: Number(new TextDecoder().decode(value)) };
}

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
