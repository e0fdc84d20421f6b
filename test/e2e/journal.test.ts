/** What a daemon says where the journal reads it: each line with the priority of sd-daemon(3). */

import { afterEach, beforeEach, expect, test } from "vitest";
import { OPENEXEC } from "../support/daemon.ts";
import { homeAt } from "../support/runtime_cache.ts";
import { until } from "../support/until.ts";

let folder: string;
beforeEach(async () => void (folder = await Deno.makeTempDir({ prefix: "openexec-journal-" })));
afterEach(() => Deno.remove(folder, { recursive: true }));

/** Starts a daemon whose output is one file, which JOURNAL_STREAM names. */
function serve(config: string): { child: Deno.ChildProcess; lines: () => string[] } {
  const file = `${folder}/journal`;
  Deno.writeTextFileSync(file, "");
  Deno.writeTextFileSync(`${folder}/openexec.toml`, config);
  const { dev, ino } = Deno.statSync(file);
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `exec "$0" serve --config "$1" >>"$2" 2>&1`,
      OPENEXEC,
      `${folder}/openexec.toml`,
      file,
    ],
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", ...homeAt(folder), JOURNAL_STREAM: `${dev}:${ino}` },
  }).spawn();
  return { child, lines: () => Deno.readTextFileSync(file).split("\n") };
}

test("every problem of a configuration is an error in the journal", async () => {
  const { child, lines } = serve("nonsense = 1\nmode = 2\n");
  expect((await child.status).code).toBe(2);
  const said = lines().filter((line) => line !== "");
  expect(said).toHaveLength(2);
  for (const line of said) expect(line).toMatch(/^<3>.*openexec\.toml:\d/);
});

test("a warning at the start is one in the journal, and what is no warning has no mark", async () => {
  const { child, lines } = serve(
    `mode = "demo"\nstate_dir = "${folder}/state"\n[[sockets]]\npath = "${folder}/agent.sock"\n`,
  );
  await until(() => lines().includes("ready"));
  expect(lines().filter((line) => line.includes("demo mode: "))).toEqual([
    expect.stringMatching(/^<4>warning: /),
  ]);
  expect(lines().some((line) => line.startsWith("listening on "))).toBe(true);
  child.kill("SIGTERM");
  expect((await child.status).code).toBe(0);
});
