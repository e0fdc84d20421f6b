import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openexec } from "../recording_terminal.ts";

const folder = Deno.makeTempDirSync({ prefix: "openexec-input-" });
afterAll(() => Deno.removeSync(folder, { recursive: true }));
const KEY = "ed25519:2sDCDDf+t94Wmk1ndcCo3q9fISnWfcCPP9ij7HBNphE=";
const verify = (file: string, input = "") =>
  openexec(["verify", "--offline", "--executor-key", KEY, file], { input });

test("an input that never ends, or is far too long, is refused and not held in memory", async () => {
  Deno.writeTextFileSync(join(folder, "long"), "");
  Deno.truncateSync(join(folder, "long"), 2 ** 40);
  for (const run of [await verify("/dev/zero"), await verify(join(folder, "long"))]) {
    expect([run.code, run.err]).toEqual([2, expect.stringContaining("longer than 64 MiB")]);
  }
  const { code, err } = await verify("-", " ".repeat(2 ** 26 + 1));
  expect([code, err]).toEqual([2, expect.stringContaining("longer than 64 MiB")]);
});

test("a pipe that a shell puts in the place of a file is read", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  spawn("sh", ["-c", `echo '{"no":"receipt"}' > ${pipe}`]);
  const { code, out } = await verify(pipe);
  expect([code, out]).toEqual([1, expect.stringContaining("this is no receipt")]);
});
