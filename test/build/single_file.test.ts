import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { join } from "node:path";
import { program } from "../../src/os/program.ts";
import { FakeDaemon } from "../client/fake_daemon.ts";
import { RawAgent } from "../mcp/agent_process.ts";
import { call } from "../support/http.ts";
import { shared } from "../support/shared.ts";
import { build, builtOnce, missingToBuild, programFolder, run, untilReady } from "./single_file.ts";

const SECONDS = 1000;
const missing = missingToBuild();

describe.skipIf(missing !== "")(`the single file${missing}`, () => {
  let folder: string;
  let file: string;
  /** Where nothing is unpacked yet. */
  let cache: string;

  beforeAll(async () => {
    folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec-single-" }));
    file = join(await builtOnce(), "openexec");
  }, 120 * SECONDS);
  afterAll(() => Deno.remove(folder, { recursive: true }));
  beforeEach(async () => cache = await Deno.makeTempDir({ dir: folder }));

  /** A cache that the program was unpacked into; what a test changes there, it sets back. */
  const used = shared(async () => {
    const path = await Deno.makeTempDir({ dir: folder });
    await expectStart(path);
    return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
  });

  const start = (cache: string, env: Record<string, string> = {}) =>
    run(file, { args: ["--version"], env: { XDG_CACHE_HOME: cache, ...env } });

  async function expectStart(cache: string): Promise<void> {
    const { code, out, error } = await start(cache);
    expect({ code, out: out.trim(), error }).toEqual({ code: 0, out: program.version, error: "" });
  }

  async function expectRefusal(cache: string): Promise<void> {
    const { code, out } = await start(cache);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  }

  test("is the same bytes when built again, and its checksum is told", async () => {
    const again = join(folder, "again");
    await build(again);
    const [first, second] = await Promise.all([
      Deno.readFile(file),
      Deno.readFile(join(again, "openexec")),
    ]);
    expect(Buffer.compare(first, second)).toBe(0);
    const check = await run("sha256sum", {
      args: ["--check", "--strict", "SHA256SUMS"],
      cwd: again,
    });
    expect(check.code).toBe(0);
  }, 120 * SECONDS);

  test("names no folder of the machine that built it", async () => {
    const names = [program.root, Deno.env.get("HOME") ?? "/root", "openexec-build-"];
    const found = await run("grep", {
      args: ["-aoF", ...names.flatMap((name) => ["-e", name]), file],
    });
    expect(found).toEqual({ code: 1, out: "", error: "" });
  });

  test("serves an agent in less than 100 MB", async () => {
    await using daemon = await FakeDaemon.start();
    const { path } = await used();
    const agent = new RawAgent(daemon.socketPath, [], file, { XDG_CACHE_HOME: path });
    expect(await agent.initialize()).toMatchObject({
      result: { serverInfo: { name: "openexec" } },
    });
    const status = await Deno.readTextFile(`/proc/${agent.pid}/status`);
    expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(100_000);
    expect(await agent.end()).toBe(0);
  });

  test("serves the review page, as one script", async () => {
    const daemon = new Deno.Command(file, {
      args: ["serve"],
      clearEnv: true,
      env: { HOME: cache, XDG_CACHE_HOME: (await used()).path, PATH: "/usr/bin:/bin" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await untilReady(daemon.stdout);
    const socket = join(cache, ".openexec/run/review.sock");
    const page = await call(socket, "GET", "/review");
    const script = await call(socket, "GET", "/review/main.js");
    expect([page.status, script.status]).toEqual([200, 200]);
    expect(page.text).toContain('src="/review/main.js"');
    expect(script.text).not.toMatch(/\bfrom\s*"/);
    daemon.kill("SIGKILL");
    await daemon.status;
  }, 60 * SECONDS);

  test("unpacks once, into files that only their owner may read", async () => {
    const { path } = await used();
    const unpacked = await programFolder(path);
    const inodes = () =>
      Array.fromAsync(
        Deno.readDir(unpacked),
        async ({ name }) => [name, await Deno.lstat(join(unpacked, name))] as const,
      );
    const before = new Map(await inodes());
    for (const [name, { mode }] of before) {
      expect([name, (mode ?? 0) & 0o277]).toEqual([name, name === "stamp" ? 0o200 : 0]);
    }
    expect(((await Deno.lstat(unpacked)).mode ?? 0) & 0o777).toBe(0o700);
    await expectStart(path);
    for (const [name, { ino, mtime }] of await inodes()) {
      expect([name, ino, mtime]).toEqual([name, before.get(name)?.ino, before.get(name)?.mtime]);
    }
  });

  test(
    "unpacks where systemd says, else in XDG_CACHE_HOME, else in ~/.cache, whichever can be had",
    async () => {
      const places = { CACHE_DIRECTORY: "systemd", XDG_CACHE_HOME: "xdg", HOME: "home" };
      const env = Object.entries(places).map((
        [name, place],
      ): [string, string] => [name, join(cache, place)]);
      const folders = ["systemd", "xdg", "home/.cache"];
      for (const [index, folder] of folders.entries()) {
        const left = env.slice(index);
        const unusable = env.slice(0, index).map((
          [name],
        ): [string, string] => [name, "/dev/null/nowhere"]);
        const { code, error } = await run(file, {
          args: ["--version"],
          env: Object.fromEntries([...unusable, ...left]),
        });
        expect({ code, error }).toEqual({ code: 0, error: "" });
        await programFolder(join(cache, folder));
        for (const later of folders.slice(index + 1)) {
          await expect(programFolder(join(cache, later))).rejects.toThrow();
        }
      }
    },
    60 * SECONDS,
  );

  test("unpacks whole when many start at once", async () => {
    const started = await Promise.all(Array.from({ length: 4 }, () => start(cache)));
    expect(started.map(({ code, out }) => [code, out.trim()])).toEqual(
      started.map(() => [0, program.version]),
    );
    await programFolder(cache);
  }, 60 * SECONDS);

  test("clears away what an interrupted unpacking left", async () => {
    await Deno.mkdir(join(cache, "openexec/unfinished"), { recursive: true, mode: 0o700 });
    await Deno.chmod(join(cache, "openexec"), 0o700);
    await Deno.writeTextFile(join(cache, "openexec/unfinished/main.js"), "half a fi");
    await expectStart(cache);
    await expect(Deno.lstat(join(cache, "openexec/unfinished"))).rejects.toThrow(
      Deno.errors.NotFound,
    );
  });

  test("loads nothing that the environment names", async () => {
    const { code, error } = await start((await used()).path, {
      LD_PRELOAD: "/nonexistent.so",
      LD_LIBRARY_PATH: folder,
      NODE_OPTIONS: "--require=/nonexistent.js",
      DENO_V8_FLAGS: "--no-such-flag",
    });
    expect({ code, error }).toEqual({ code: 0, error: "" });
  });

  test("refuses to start when it is damaged itself", async () => {
    const damaged = join(cache, "damaged");
    await Deno.copyFile(file, damaged);
    await changeByte(damaged, (await Deno.stat(file)).size >> 1);
    const { code } = await run(damaged, { args: ["--version"], env: { XDG_CACHE_HOME: cache } });
    expect(code).toBe(2);
    await expect(programFolder(cache)).rejects.toThrow();
  });

  /**
   * Ways to change what is unpacked, each to be noticed at the next start. Gives what sets it back.
   */
  const tampering: Record<string, (unpacked: string, cache: string) => Promise<Undo>> = {
    "a byte of the program is changed and its times are set back": async (unpacked) => {
      const path = join(unpacked, "main.js");
      const { atime, mtime } = await Deno.stat(path);
      const change = async () => {
        await Deno.chmod(path, 0o600);
        await changeByte(path, 100);
        await Deno.chmod(path, 0o400);
        await Deno.utime(path, atime ?? 0, mtime ?? 0);
      };
      await change();
      return change;
    },
    "a byte of the runtime is changed": async (unpacked) => {
      const path = join(unpacked, "deno");
      const { size } = await Deno.stat(path);
      const change = async () => {
        await Deno.chmod(path, 0o700);
        await changeByte(path, size - 100);
        await Deno.chmod(path, 0o500);
      };
      await change();
      return change;
    },
    "a file is gone": (unpacked, cache) =>
      moved(join(unpacked, "spawner.js"), join(cache, "gone.js")),
    "a file is a link": (unpacked, cache) =>
      linked(join(unpacked, "executor.js"), join(cache, "elsewhere.js")),
    "a file has a second name": async (unpacked, cache) => {
      const second = join(cache, "second.js");
      await Deno.link(join(unpacked, "main.js"), second);
      return () => Deno.remove(second);
    },
    "a file may be written by others": (unpacked) => opened(join(unpacked, "main.js"), 0o422),
    "the program folder is a link": (unpacked, cache) => linked(unpacked, join(cache, "moved")),
    "the program folder is open to others": (unpacked) => opened(unpacked, 0o755),
    "the cache is a link": (_, cache) => linked(join(cache, "openexec"), join(cache, "moved")),
    "the cache is open to others": (_, cache) => opened(join(cache, "openexec"), 0o755),
    "a folder above the cache may be written by everyone": (_, cache) => opened(cache, 0o777),
  };

  test.each(Object.entries(tampering))("refuses to start when %s", async (_, tamper) => {
    const { path } = await used();
    await expectStart(path);
    const undo = await tamper(await programFolder(path), path);
    await expectRefusal(path);
    await undo();
  });

  test.skipIf(Deno.uid() !== 0)(
    "refuses a cache, or a folder above it, of another user (needs root)",
    async () => {
      const { path: cache } = await used();
      await expectStart(cache);
      const unpacked = await programFolder(cache);
      for (const path of [join(unpacked, "main.js"), unpacked, join(cache, "openexec"), cache]) {
        await Deno.chown(path, 65534, 65534);
        await expectRefusal(cache);
        await Deno.chown(path, 0, 0);
      }
      await expectStart(cache);
    },
  );

  test("accepts a file that was touched but is what it was", async () => {
    const { path: cache } = await used();
    await expectStart(cache);
    const path = join(await programFolder(cache), "main.js");
    await Deno.copyFile(path, join(cache, "copy.js"));
    await Deno.rename(join(cache, "copy.js"), path);
    await expectStart(cache);
    await expectStart(cache);
  });
});

/** Turns one bit; once more turns it back. */
async function changeByte(path: string, at: number): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  await file.seek(at, Deno.SeekMode.Start);
  await file.read(byte);
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(byte.map((bits) => bits ^ 1));
}

type Undo = () => Promise<void>;

async function moved(path: string, to: string): Promise<Undo> {
  await Deno.rename(path, to);
  return () => Deno.rename(to, path);
}

/** Puts a link in its place. */
async function linked(path: string, to: string): Promise<Undo> {
  await Deno.rename(path, to);
  await Deno.symlink(to, path);
  return async () => {
    await Deno.remove(path);
    await Deno.rename(to, path);
  };
}

async function opened(path: string, mode: number): Promise<Undo> {
  const before = (await Deno.lstat(path)).mode ?? 0;
  await Deno.chmod(path, mode);
  return () => Deno.chmod(path, before & 0o777);
}
