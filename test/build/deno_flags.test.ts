import { afterAll, beforeAll, expect, test } from "vitest";
import { dirname, join } from "node:path";
import { CLIENT_PERMISSIONS, COMMAND_PERMISSIONS, RUNTIME_FLAGS } from "../../src/os/deno_flags.ts";
import { program } from "../../src/os/program.ts";

const LAUNCHER = join(program.root, "bin/openexec");
const PLATFORM = Deno.build.arch === "aarch64" ? "linux-arm64-glibc" : "linux-x64-glibc";

let folder: string;

beforeAll(async () =>
  folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "openexec launch " }))
);
afterAll(() => Deno.remove(folder, { recursive: true }));

/**
 * An installation whose runtime prints its arguments, its pid and what it finds in its environment.
 */
async function install(root: string, runtime: string): Promise<string> {
  const path = join(root, "bin/openexec");
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.copyFile(LAUNCHER, path);
  await Deno.mkdir(dirname(runtime), { recursive: true });
  await Deno.writeTextFile(
    runtime,
    '#!/bin/sh\nprintf "%s\\n" "$@" "pid $$" "options ${NODE_OPTIONS-none}"\n',
    {
      mode: 0o700,
    },
  );
  return path;
}

async function run(
  path: string,
  args: readonly string[],
): Promise<{ lines: string[]; pid: number; code: number }> {
  const child = new Deno.Command(path, {
    args: [...args],
    env: { NODE_OPTIONS: "--require=/evil.js" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { code, stdout } = await child.output();
  return { lines: new TextDecoder().decode(stdout).trimEnd().split("\n"), pid: child.pid, code };
}

const commands = [...COMMAND_PERMISSIONS, ["exec", CLIENT_PERMISSIONS], [
  "",
  CLIENT_PERMISSIONS,
]] as const;

test.each(commands)(
  "bin/openexec starts `%s` with the flags of the table",
  async (command, permissions) => {
    const root = join(folder, "checkout");
    const runtime = join(root, `node_modules/@deno/${PLATFORM}/deno`);
    const args = command === "" ? ["--version"] : ["--json", command, "serve", "two words"];
    const { lines } = await run(await install(root, runtime), args);

    const started = lines.slice(0, -2);
    const entry = started.indexOf(join(root, "src/main.ts"));
    expect(started.slice(0, 1 + RUNTIME_FLAGS.length)).toEqual(["run", ...RUNTIME_FLAGS]);
    expect(started.slice(1 + RUNTIME_FLAGS.length, entry).sort()).toEqual([...permissions].sort());
    expect(started.slice(entry + 1)).toEqual(args);
  },
);

test("no command is given every permission", () => {
  const flags = [...RUNTIME_FLAGS, ...commands.flatMap(([, permissions]) => permissions)];
  expect(flags.filter((flag) => /^(-A|--allow-all|--allow-run)$/.test(flag))).toEqual([]);
  expect(COMMAND_PERMISSIONS.get("serve")).not.toContain("--allow-write");
});

test("bin/openexec becomes the runtime, with nothing in between and nothing loaded into it", async () => {
  const root = join(folder, "checkout");
  const path = await install(root, join(root, `node_modules/@deno/${PLATFORM}/deno`));
  const { lines, pid } = await run(path, ["serve"]);
  expect(lines.at(-2)).toBe(`pid ${pid}`);
  expect(lines.at(-1)).toBe("options none");
});

test("bin/openexec finds the bundled program through links, and the runtime where npm hoisted it", async () => {
  const packages = join(folder, "project/node_modules");
  await install(join(packages, "openexec"), join(packages, `@deno/${PLATFORM}/deno`));
  await Deno.mkdir(join(packages, ".bin"));
  await Deno.symlink("../openexec/bin/openexec", join(packages, ".bin/openexec"));
  await Deno.symlink(join(packages, ".bin/openexec"), join(folder, "linked"));
  const { lines } = await run(join(folder, "linked"), ["status"]);
  expect(lines).toContain(join(packages, "openexec/dist/program/main.js"));
});

test("bin/openexec says what is missing where the runtime is not installed", async () => {
  const root = join(folder, "bare");
  const path = await install(root, join(folder, "elsewhere/deno"));
  const { code } = await run(path, ["serve"]);
  expect(code).toBe(2);
});

test("a command loads its own modules, and those of no other command", async () => {
  const cache = join(folder, "cache");
  const { code } = await new Deno.Command(LAUNCHER, {
    args: ["completion", "bash"],
    env: { DENO_DIR: cache },
    stdout: "null",
  }).output();
  expect(code).toBe(0);
  // the runtime keeps the compiled text of whatever it read
  const compiled = (path: string) =>
    Array.from(Deno.readDirSync(join(cache, "gen/file", program.root, path)), ({ name }) => name);
  expect(compiled("src/cli/commands")).toEqual(["completion.ts.js"]);
  expect(compiled("src/client")).not.toContain("client.ts.js");
});
