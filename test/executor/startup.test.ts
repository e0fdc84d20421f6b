/** What the pool refuses to start with, and what it has sealed once it did. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { thisKernel } from "../../src/box/kernel.ts";
import { systemClock } from "../../src/core/clock.ts";
import { type ExecutorSpec, Launcher } from "../../src/executor/launch.ts";
import { NO_PERMISSIONS } from "../../src/executor/permissions.ts";
import { pinHandler as pin } from "../../src/executor/rehearse.ts";
import { libc, O_CLOEXEC } from "../../src/os/libc.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

type StartCheck = typeof import("../../src/executor/start_check.ts");

/** Pools of this file try the box once: it is that of the kernel and the runtime, whose they are. */
vi.mock("../../src/executor/start_check.ts", async (importOriginal) => {
  const original = await importOriginal<StartCheck>();
  let tried: ReturnType<StartCheck["tryBox"]> | undefined;
  const tryBox: StartCheck["tryBox"] = (...given) => tried ??= original.tryBox(...given);
  return { ...original, tryBox };
});
const { tryBox } = await vi.importActual<StartCheck>("../../src/executor/start_check.ts");

let folder: string;

beforeAll(() => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-startup-" });
});

afterAll(() => Deno.removeSync(folder, { recursive: true }));

const SILENT = { line: () => {}, failed: () => {}, died: () => {} };

function pinHandler(file: string) {
  return pin(file, { clock: systemClock, variable: () => undefined, log: SILENT });
}

const HEAD = 'import { defineAction } from "openexec"; import * as v from "valibot";';

/** A handler's file with `top` at its top, that gives `result`. */
function write(
  name: string,
  top = "",
  { input = "v.unknown()", output = "v.unknown()", result = "1" } = {},
): string {
  const file = join(folder, name);
  const action = `defineAction({ input: ${input}, output: ${output}, run: () => ${result} })`;
  Deno.writeTextFileSync(file, `${HEAD}\n${top}\nexport default ${action};\n`);
  return file;
}

const UNUSABLE: readonly (readonly [what: string, file: () => string])[] = [
  ["imports an npm package", () => write("npm.ts", 'import "npm:valibot";')],
  ["imports a package by its bare name", () => write("bare.ts", 'import "lmdb";')],
  [
    "imports the schema converter",
    () => write("converter.ts", 'import "@valibot/to-json-schema";'),
  ],
  [
    "imports a file",
    () => write("file.ts", 'import "file:///etc/hostname" with { type: "text" };'),
  ],
  ["imports a file beside it", () => write("beside.ts", 'import "./npm.ts";')],
  [
    "imports from the network",
    () => write("http.ts", 'import "https://deno.land/std/version.ts";'),
  ],
  ["is no TypeScript", () => write("syntax.ts", "const = 1;")],
  ["throws while it loads", () => write("throws.ts", 'throw new Error("at the top");')],
  [
    "reads a file while it loads",
    () => write("reads.ts", 'Deno.readTextFileSync("/etc/hostname");'),
  ],
  ["connects while it loads", () => write("connects.ts", 'await fetch("http://127.0.0.1:1/");')],
  [
    "starts a program while it loads",
    () => write("starts.ts", 'new Deno.Command("/bin/true").outputSync();'),
  ],
  ["exits while it loads", () => write("exits.ts", "Deno.exit(0);")],
  [
    "starts a worker while it loads",
    () => write("worker.ts", 'new Worker("data:text/javascript,for (;;);", { type: "module" });'),
  ],
  [
    "kills its process while it loads",
    () => write("kills.ts", 'import p from "node:process"; p.kill(p.pid, "SIGKILL");'),
  ],
  [
    "transforms its input",
    () => write("transform.ts", "", { input: "v.pipe(v.string(), v.transform(Number))" }),
  ],
  [
    "checks its input by code",
    () => write("check.ts", "", { input: "v.pipe(v.string(), v.check(() => true))" }),
  ],
  ["has an asynchronous schema", () => write("async.ts", "", { input: "v.objectAsync({})" })],
  ["has no schema", () => write("none.ts", "", { input: "{}" })],
  ["is no module of an action", () => {
    const file = join(folder, "plain.ts");
    Deno.writeTextFileSync(file, "export const run = 1;");
    return file;
  }],
  ["is not there", () => join(folder, "missing.ts")],
  ["is not named as code", () => write("code.txt")],
  ["is no UTF-8", () => {
    const file = join(folder, "bytes.js");
    Deno.writeFileSync(file, new Uint8Array([0x2f, 0x2f, 0xff]));
    return file;
  }],
];

test.each(UNUSABLE)("pin refuses a handler that %s", async (_what, file) => {
  const refusal = { name: "StartupError", message: expect.stringContaining(file()) };
  await expect(pinHandler(file())).rejects.toMatchObject(refusal);
});

test("the reason a schema has no JSON Schema is told, with the action", async () => {
  const file = write("reason.ts", "", {
    input: "v.object({ n: v.pipe(v.string(), v.transform(Number)) })",
  });
  await expect(PoolUnderTest.start({ charge: handler(file) })).rejects.toMatchObject({
    what: expect.stringContaining("charge"),
    remedy: expect.stringContaining('"transform"'),
  });
});

test("a schema whose JSON Schema is too large is refused for that, with the action", async () => {
  const file = write("large.ts", "", {
    input: "v.object({ n: v.picklist(Array.from({ length: 200_000 }, (_, i) => `n-${i}`)) })",
  });
  await expect(PoolUnderTest.start({ charge: handler(file) })).rejects.toMatchObject({
    what: expect.stringContaining("charge"),
    remedy: expect.stringContaining("characters"),
  });
});

test("a pool whose results have to be short starts, however long the schemas are", async () => {
  const long = "v.literal('\u20ac'.repeat(1_000_000))";
  const file = write("long.ts", "", { input: `v.object({ n: ${long} })`, output: long });
  const limits = { requestBytes: 1024, resultBytes: 100 };
  const under = await PoolUnderTest.start({ echo: ECHO, long: handler(file) }, { limits });
  try {
    expect(await under.result("echo", { a: 1 })).toEqual({ a: 1 });
    expect(await under.run("echo", { a: "x".repeat(100) })).toMatchObject({
      code: "result_invalid",
    });
  } finally {
    await under.close();
  }
});

test("code that is not what the configuration pins refuses the start, and names the action", async () => {
  const file = write("pinned.ts");
  const { digest } = await pinHandler(file);
  Deno.writeTextFileSync(file, "\n", { append: true });
  await expect(PoolUnderTest.start({ charge: handler(file, { digest }) })).rejects.toMatchObject({
    name: "StartupError",
    what: expect.stringContaining("charge"),
  });
});

test("in enforced mode a module without a digest refuses the start, and a built-in does not", async () => {
  const file = write("unpinned.ts");
  const { digest } = await pinHandler(file);
  await expect(PoolUnderTest.start({ charge: handler(file) }, { mode: "enforced" })).rejects
    .toMatchObject({
      name: "StartupError",
      remedy: expect.stringContaining(digest),
    });
  await (await PoolUnderTest.start({ echo: ECHO }, { mode: "enforced" })).close();
});

test("what was read at the start is what runs, whatever becomes of the file", async () => {
  const file = write("kept.ts", "", { result: '"as pinned"' });
  const { digest } = await pinHandler(file);
  const under = await PoolUnderTest.start({
    kept: handler(file, { digest, isolation: "process" }),
  });
  write("kept.ts", "", { result: '"something else"' });
  expect(await under.result("kept")).toBe("as pinned");
  Deno.removeSync(file);
  expect(await under.result("kept")).toBe("as pinned");
  expect(under.pool.actions.get("kept")?.digest).toBe(digest);
  await under.close();
});

test("names that objects are born with are names of actions like any other", async () => {
  const under = await PoolUnderTest.start({
    constructor: handler(write("named.ts")),
    toString: ECHO,
  });
  expect(await under.result("constructor")).toBe(1);
  expect(await under.result("toString", { a: 1 })).toEqual({ a: 1 });
  await under.close();
});

test("each module is read in a process of its own, however many there are, beside the built-ins", async () => {
  const top = (n: number) =>
    `if ("met" in globalThis) throw new Error("met another"); globalThis.met = ${n};`;
  const actions = Object.fromEntries(
    [1, 2, 3, 4].map((n) => [`m${n}`, handler(write(`met${n}.ts`, top(n)))]),
  );
  const pool = await PoolUnderTest.start({ ...actions, echo: ECHO, again: ECHO });
  try {
    expect([...pool.pool.actions.keys()]).toEqual(["m1", "m2", "m3", "m4", "echo", "again"]);
    for (const { inputSchema } of pool.pool.actions.values()) {
      expect(inputSchema).toHaveProperty("$schema");
    }
  } finally {
    await pool.close();
  }
});

test("enums and other syntax that is more than types is left to the runtime", async () => {
  const top = "enum Colour { Red, Green } class Point { constructor(readonly x: number) {} }";
  const under = await PoolUnderTest.start({
    enums: handler(write("enums.ts", top, { result: "[Colour.Green, new Point(3).x]" })),
    script: handler(write("script.mjs", "", { result: '"plain"' })),
  });
  expect(await under.result("enums")).toEqual([1, 3]);
  expect(await under.result("script")).toBe("plain");
  await under.close();
});

/** A launcher in a folder of its own, and a file beside it that no box permits. */
async function launcherIn(name: string): Promise<{ launcher: Launcher; canary: string }> {
  const canary = join(folder, `${name}.canary`);
  Deno.writeTextFileSync(canary, "not permitted");
  const launcher = await Launcher.open(join(folder, name), {
    limits: { requestBytes: 1e6, resultBytes: 1e6 },
    kernel: thisKernel(),
    variable: () => undefined,
  });
  return { launcher, canary };
}

/** The same launcher, with something changed about each process that it starts. */
function changed(launcher: Launcher, change: (spec: ExecutorSpec) => ExecutorSpec) {
  return { start: (spec: ExecutorSpec) => launcher.start(change(spec)) };
}

test("a box that is shut by both, the runtime and the kernel, lets a start go on", async () => {
  const { launcher, canary } = await launcherIn("shut");
  expect(await tryBox(launcher, thisKernel(), canary)).toEqual([]);
});

test("a runtime that gives more than was permitted refuses the start", async () => {
  const { launcher, canary } = await launcherIn("careless");
  const careless = changed(launcher, (spec) => ({
    ...spec,
    permissions: { ...spec.permissions, read: [canary], env: ["DENO_DIR"] },
  }));
  await expect(tryBox(careless, thisKernel(), canary)).rejects.toMatchObject({
    name: "StartupError",
    what: expect.stringMatching(/^The runtime .*: read, environment/),
  });
});

test("a kernel that does not hold what it says it has refuses the start, and one that lacks it is told of", async () => {
  const { launcher, canary } = await launcherIn("open");
  const open = changed(launcher, (spec) => ({ ...spec, isUnconfined: true }));
  await expect(tryBox(open, thisKernel(), canary)).rejects.toMatchObject({
    name: "StartupError",
    what: expect.stringMatching(/^The kernel .*: read/),
  });
  const lacking = await tryBox(open, { landlock: 0, seccomp: false }, canary);
  expect(lacking).toEqual(expect.arrayContaining([
    "read",
    "write",
    "connect (Connection refused)",
    "run (No such file or directory)",
  ]));
});

test("where the thread that starts executors failed, the next start has another one", async () => {
  const { launcher } = await launcherIn("again");
  const permitted = join(folder, "permitted");
  const spec = {
    handlers: new Map(),
    permissions: { ...NO_PERMISSIONS, read: [permitted] },
    memoryBytes: 2 ** 28,
  };
  const pipe = new Int32Array(2);
  libc.pipe2(pipe, O_CLOEXEC);
  Deno.symlinkSync(`/proc/${Deno.pid}/fd/${pipe[0]}`, permitted); // Landlock knows no pipes
  const failed = launcher.start(spec);
  expect(await failed.ready()).toBe(false);
  for (const end of pipe) libc.close(end);
  Deno.removeSync(permitted);
  Deno.mkdirSync(permitted);
  const process = launcher.start(spec);
  expect(await process.ready()).toBe(true);
  process.retire();
  await process.exited;
  launcher.close();
});

test("without a runtime to start, the start is refused", async () => {
  const { launcher, canary } = await launcherIn("none");
  Deno.removeSync(launcher.program.importMap); // every process ends at once
  await expect(tryBox(launcher, thisKernel(), canary)).rejects.toMatchObject({
    name: "StartupError",
  });
});
