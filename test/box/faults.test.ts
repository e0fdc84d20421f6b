/**
 * Public faults of the runtime, each by a handler in a real pool: what it gets where the runtime
 * guards it, and what it gets where nothing but the kernel does.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { missingParts, thisKernel } from "../../src/box/kernel.ts";
import { asUser, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { FaultsScene, NOTE, type Target } from "./faults_scene.ts";

const IS_WHOLE = missingParts(thisKernel()).length === 0;
const EPOCH = new Date(0);

const scene = new FaultsScene();

beforeAll(() => scene.start());

afterAll(() => scene.close());

type Fault = readonly [permissions: string, fault: string, target: Target, got: unknown];

const at = (name: string): Target => ({ path: scene.path(name) });

/** With the runtime's guards as an action has them. */
const GUARDED: readonly Fault[] = [
  ["none", "sourceLine", at("hidden/note"), "no internals"],
  ["none", "sourceLineInWorker", at("hidden/note"), "nothing"],
  ["read", "sourceLineInInheritingWorker", at("hidden/note"), "nothing"],
  ["proxy", "proxyUrl", at("seen/socket"), "handler_failed: TypeError: invalid proxy url"],
  ["proxy", "proxyPath", at("seen/socket"), "refused"],
  ["proxy", "connect", at("seen/socket"), "refused"],
  ["proxy", "nodeConnect", at("seen/socket"), "refused"],
  ["none", "connect", { path: "\0openexec" }, "refused"],
  ["read", "changeByDescriptor", at("seen/note"), []],
  ["read", "changeByDescriptor", at("seen"), []],
  ["read", "changeByPath", at("seen/note"), []],
  ["readElsewhere", "changeByPath", at("seen/note"), []],
  ["write", "readByCreating", at("written/note"), "refused"],
  ["read", "createByReading", at("seen/new"), "refused"],
  ["none", "gpu", {}, "undefined"],
  ["none", "gpuInWorker", {}, "null"],
  ["none", "resolve", at("hidden/note"), "refused"],
  ["none", "resolve", at("hidden/missing"), "refused"],
  ["none", "resolveExports", at("hidden"), "refused"],
  ["none", "internals", {}, "undefined"],
  ["none", "resources", {}, "stdin,stdout,stderr"],
  ["folder", "open", { path: "/dev/full" }, "refused"],
  ["none", "signal", { pid: Deno.pid }, "refused"],
  ["none", "nodeSignal", { pid: Deno.pid }, "refused"],
  ["none", "environment", { pid: Deno.pid }, "refused"],
  // kill(1) is refused
  ["run", "signalByProgram", { pid: Deno.pid }, false],
];

test.each(GUARDED)("with %s: %s", async (permissions, fault, target, got) => {
  const result = await scene.got(permissions, fault, target);
  expect(typeof result === "string" ? result.split("\n")[0] : result).toEqual(got);
});

/** By the kernel alone. Existence of a file is all that is left to be found out. */
const BY_KERNEL: readonly Fault[] = [
  ["none", "sourceLineInInheritingWorker", at("hidden/note"), "nothing"],
  ["proxy", "proxyPath", at("seen/socket"), "refused"],
  ["proxy", "connect", at("seen/socket"), "refused"],
  ["proxy", "nodeConnect", at("seen/socket"), "refused"],
  ["read", "changeByDescriptor", at("seen/note"), []],
  ["read", "changeByDescriptor", at("seen"), []],
  ["read", "changeByPath", at("seen/note"), []],
  ["readElsewhere", "changeByPath", at("seen/note"), []],
  ["write", "readByCreating", at("written/note"), "refused"],
  ["read", "createByReading", at("seen/new"), "refused"],
  ["none", "gpuInWorker", {}, "null"],
  ["none", "resolve", at("hidden/note"), scene.path("hidden/note")],
  ["none", "signal", { pid: Deno.pid }, "refused"],
  ["none", "nodeSignal", { pid: Deno.pid }, "refused"],
  ["none", "environment", { pid: Deno.pid }, "refused"],
  ["folder", "open", { path: "/dev/full" }, "refused"],
];

test.skipIf(!IS_WHOLE).each(BY_KERNEL)(
  "by the kernel alone, with %s: %s",
  async (permissions, fault, target, got) => {
    expect(await scene.gotFromKernel(permissions, fault, target)).toEqual(got);
  },
);

test.skipIf(!IS_WHOLE)("by the kernel alone, what a package exports is not read", async () => {
  const got = await scene.gotFromKernel("none", "resolveExports", at("hidden"));
  expect(got).toContain("ERR_INVALID_PACKAGE_CONFIG");
  expect(got).not.toContain("secret-file");
});

test("the fault is one: a file that may be read is told of by its line", async () => {
  expect(await scene.got("read", "sourceLineInInheritingWorker", at("seen/note")))
    .toBe(NOTE.trimEnd());
});

test("nothing was changed by any of them, and no socket was reached", () => {
  for (const name of ["seen/note", "hidden/note", "written/note"]) {
    expect(Deno.readTextFileSync(scene.path(name))).toBe(NOTE);
    expect(scene.modeOf(name)).toBe("600");
    expect(Deno.statSync(scene.path(name)).mtime).not.toEqual(EPOCH);
  }
  const names = [...Deno.readDirSync(scene.path("seen"))].map(({ name }) => name);
  expect(names.sort()).toEqual(["note", "socket"]);
  expect(scene.connections).toBe(0);
});

test.each(["got", "gotFromKernel"] as const)(
  "%s: a folder that is written holds no file of a mode that others could use, and no link",
  async (way) => {
    await scene[way]("folder", "makeModes", at("written"));
    const names = [...Deno.readDirSync(scene.path("written"))].map(({ name }) => name);
    expect(names.sort()).toEqual(["after", "made", "note", "opened"]);
    const modes = ["", ...names].map((name) => scene.modeOf(`written/${name}`));
    expect(modes.filter((mode) => !/^[67]00$/.test(mode))).toEqual([]);
  },
);

testAsOthers(
  "another user links nothing into a folder that a handler has tried to open",
  async () => {
    Deno.chmodSync(scene.folder, 0o755);
    await scene.got("folder", "makeModes", at("written"));
    const [setpriv = "", ...who] = asUser(OTHER_UID, OTHER_UID);
    const link = new Deno.Command(setpriv, {
      args: [...who, "ln", "-s", scene.path("hidden"), scene.path("written/state")],
    }).outputSync();
    expect(link.success).toBe(false);
    expect(() => Deno.lstatSync(scene.path("written/state"))).toThrow(Deno.errors.NotFound);
  },
);

test("a link that is there leads to nothing that is not permitted", async () => {
  Deno.symlinkSync(scene.path("hidden"), scene.path("written/linked"));
  const path = scene.path("written/linked/note");
  expect(await scene.got("folder", "open", { path })).toBe("refused");
  if (IS_WHOLE) expect(await scene.gotFromKernel("folder", "open", { path })).toBe("refused");
  Deno.removeSync(scene.path("written/linked"));
});

test("a fresh run leaves nothing to the next: not what it set, not what it defined", async () => {
  const before = await scene.got("folder", "look");
  const spoiled = await scene.got("folder", "spoil");
  expect(spoiled).toEqual(expect.arrayContaining(["environment", "timezone", "globals"]));
  expect(await scene.got("folder", "look")).toEqual(before);
});

test("with reuse it does, to runs of the same action", async () => {
  await scene.got("reuse", "spoil");
  expect(await scene.got("reuse", "look")).toMatchObject({ environment: "https://evil.example" });
});

test("an executor answers for no run but its own", async () => {
  const { pool } = scene;
  const start = (fault: string, id: string) =>
    pool.start(pool.pool.acquire("none"), "none", { fault, other: "victim" }, id);
  const victim = start("wait", "victim");
  const forger = start("forge", "forger");
  expect((await forger).outcome.status).toBe("outcome_unknown");
  expect((await victim).outcome).toEqual({ status: "succeeded", resultText: '"its own"' });
});
