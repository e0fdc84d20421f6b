/** Other processes, as the kernel sees them. */

import { expect, test } from "vitest";
import {
  dataBytesOf,
  RLIMIT_CORE,
  sendSignal,
  setLimit,
  setOomScoreAdj,
  SIGKILL,
  startTimeOf,
} from "../../src/os/process.ts";

const NOBODY = 2 ** 22 + 1; // above the highest pid there can be

test("a process has one start time, another has another, and one that is gone has none", async () => {
  const child = new Deno.Command("/bin/sleep", { args: ["600"] }).spawn();
  const startTime = startTimeOf(child.pid);
  expect(startTime).not.toBeNull();
  expect(startTimeOf(child.pid)).toBe(startTime);
  expect(startTimeOf(Deno.pid)).not.toBe(startTime);
  expect(sendSignal(child.pid, SIGKILL)).toBe(true);
  await child.status;
  expect(startTimeOf(child.pid)).toBeNull();
  expect(startTimeOf(NOBODY)).toBeNull();
  expect(sendSignal(NOBODY, SIGKILL)).toBe(false);
});

test("a process cannot hide behind its name", async () => {
  const folder = Deno.makeTempDirSync();
  const program = `${folder}/a) Z 1 (\udcff`.toWellFormed();
  Deno.copyFileSync("/bin/sleep", program);
  const child = new Deno.Command(program, { args: ["600"] }).spawn();
  const [before, after] = [startTimeOf(child.pid), startTimeOf(child.pid)];
  expect(before).toMatch(/^[0-9a-f-]{36} \d+$/);
  expect(after).toBe(before);
  child.kill("SIGKILL");
  await child.status;
  Deno.removeSync(folder, { recursive: true });
});

test("a process's limits and score are set from outside", async () => {
  const child = new Deno.Command("/bin/sleep", { args: ["600"] }).spawn();
  expect(setOomScoreAdj(child.pid, 700)).toBe(true);
  expect(Deno.readTextFileSync(`/proc/${child.pid}/oom_score_adj`)).toBe("700\n");
  expect(setLimit(child.pid, RLIMIT_CORE, 4096)).toBe(true);
  expect(Deno.readTextFileSync(`/proc/${child.pid}/limits`)).toMatch(
    /Max core file size +4096 +4096 /,
  );
  expect(dataBytesOf(Deno.pid)).toBeGreaterThan(0);
  child.kill("SIGKILL");
  await child.status;
  expect(setOomScoreAdj(NOBODY, 0)).toBe(false);
  expect(setLimit(NOBODY, RLIMIT_CORE, 0)).toBe(false);
  expect(dataBytesOf(NOBODY)).toBeNull();
});
