/** The single file as the first process of a container, and in places where the runtime would not start. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { join } from "node:path";
import { program } from "../../src/os/program.ts";
import { until } from "../support/until.ts";
import { builtOnce, missingToBuild, run, untilReady } from "./single_file.ts";

const SECONDS = 1000;
const missing = missingToBuild("unshare", "nsenter") ||
  (Deno.uid() === 0 ? "" : " [skipped: needs root]");
const NAMESPACE = ["--pid", "--fork", "--mount-proc", "--kill-child"];

describe.skipIf(missing !== "")(`the single file${missing}`, () => {
  let folder: string;
  let file: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec-first-" }));
    file = join(await builtOnce(), "openexec");
    env = { HOME: folder, XDG_CACHE_HOME: join(folder, "cache") };
  }, 120 * SECONDS);
  afterAll(() => Deno.remove(folder, { recursive: true }));

  const children = async (pid: number) =>
    (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim().split(" ")
      .filter((child) => child !== "").map(Number);

  test(
    "as the first process waits for orphans, hands signals on, and ends as the daemon does",
    async () => {
      const unshared = new Deno.Command("unshare", {
        args: [...NAMESPACE, file, "serve"],
        clearEnv: true,
        env: { PATH: "/usr/bin:/bin", ...env },
        stdout: "piped",
        stderr: "null",
      }).spawn();
      await untilReady(unshared.stdout);
      const [first = 0] = await children(unshared.pid);
      const [daemon] = await children(first);
      // a process whose parent ends at once, and which ends itself a little later
      const orphan = 'sh -c "read _" <"$0" &';
      const fifo = join(folder, "fifo");
      await run("mkfifo", { args: [fifo] });
      const { success } = await new Deno.Command("nsenter", {
        args: ["-t", String(first), "-p", "sh", "-c", orphan, fifo],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn().status;
      expect(success).toBe(true);
      await until(async () => (await children(first)).length === 2);
      await Deno.writeTextFile(fifo, "end\n");
      await until(async () => (await children(first)).length === 1);
      expect(await children(first)).toEqual([daemon]);
      Deno.kill(first, "SIGTERM");
      expect((await unshared.status).code).toBe(0);
    },
    60 * SECONDS,
  );

  test("as the first process ends with the code of its command", async () => {
    const { code } = await run("unshare", {
      args: [...NAMESPACE, file, "verify", "/nowhere"],
      env,
    });
    expect(code).toBe(2);
  });

  test("runs from a cache whose path has # and ? in it", async () => {
    const cache = join(folder, "a#b?c");
    const { out, error } = await run(file, {
      args: ["--version"],
      env: { ...env, XDG_CACHE_HOME: cache },
    });
    expect([out, error]).toEqual([`${program.version}\n`, ""]);
  });

  test("says what is wrong where files may not grow, and where its user may not be", async () => {
    const small = `ulimit -f 4; exec "$0" --version`;
    const fresh = { ...env, XDG_CACHE_HOME: join(folder, "small") };
    const limited = await run("sh", { args: ["-c", small, file], env: fresh });
    expect([limited.code, limited.error]).toEqual([2, expect.stringMatching(/^openexec: .+\n$/)]);

    await Deno.chmod(folder, 0o755);
    const closed = join(folder, "closed");
    await Deno.mkdir(closed, { mode: 0o700 });
    const other = 'cd "$0" && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"';
    const { code, error } = await run("sh", {
      args: ["-c", other, closed, file, "--version"],
      env,
    });
    expect([code, error]).toEqual([2, expect.stringMatching(/^openexec: this user cannot.+\n$/)]);
  });
});
