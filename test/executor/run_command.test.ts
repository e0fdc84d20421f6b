import { expect, test } from "vitest";
import { runCommand } from "../../src/executor/command.ts";
import { startTimeOf } from "../../src/os/process.ts";

/** A shell with the input in `$input`, which it has read first. */
const shell = (script: string) => ["/bin/sh", "-c", `input=$(cat); ${script}`];

test("a command gets the text on its standard input, and nothing of the daemon's environment", async () => {
  const file = Deno.makeTempFileSync();
  await runCommand(shell(`echo "$input $HOME" > ${file}`), "the text");
  expect(Deno.readTextFileSync(file)).toBe("the text \n");
  Deno.removeSync(file);
});

test("a command that fails, or is not there, rejects", async () => {
  await expect(runCommand(shell("exit 3"), "")).rejects.toThrow();
  await expect(runCommand(["/nowhere/at/all"], "")).rejects.toThrow();
});

test("a command that hangs is killed when its time is over, with what it started", async () => {
  const file = Deno.makeTempFileSync();
  await expect(runCommand(shell(`sleep 600 & echo $! $$ > ${file}; wait`), "", { limitMs: 500 }))
    .rejects
    .toThrow();
  const pids = Deno.readTextFileSync(file).trim().split(" ").map(Number);
  expect(pids).toHaveLength(2);
  for (const pid of pids) await expect.poll(() => startTimeOf(pid)).toBe(null);
  Deno.removeSync(file);
});
