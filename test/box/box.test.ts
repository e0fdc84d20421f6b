/**
 * From permissions to rules, and what the kernel makes of them: paths of every kind, ports, missing
 * parts.
 */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { boxOf, hostOf, noBox } from "../../src/box/box.ts";
import { filterOf } from "../../src/box/filter.ts";
import { missingParts, thisKernel } from "../../src/box/kernel.ts";
import type { Permissions } from "../../src/config/config.ts";
import { NO_PERMISSIONS } from "../../src/executor/permissions.ts";
import { FILE_RIGHTS } from "../../src/os/landlock.ts";
import { handler, PoolUnderTest } from "../executor/pool_under_test.ts";

const WHOLE = { landlock: 6, seccomp: true };
const { readFile, readDir, writeFile, truncate, execute, makeReg } = FILE_RIGHTS;

function boxWith(changes: Partial<Permissions>) {
  return boxOf({ ...NO_PERMISSIONS, ...changes }, ["/ours"], WHOLE);
}

/** The rights that a box gives to a path, by all of its rules. */
function rightsTo(path: string, changes: Partial<Permissions>): number {
  const rules = boxWith(changes).ruleset?.paths ?? [];
  return rules.filter((rule) => rule.path === path).reduce((all, { rights }) => all | rights, 0);
}

test("a box without permissions reads the runtime and our program, and writes to /dev/null", () => {
  const { ruleset, entry } = boxWith({});
  expect([entry.newPrivileges, entry.parent]).toEqual([false, Deno.pid]);
  expect([ruleset?.connect, ruleset?.bind]).toEqual([[], []]);
  const writable = ruleset?.paths.filter(({ rights }) => (rights & (writeFile | makeReg)) !== 0);
  expect(writable?.map(({ path }) => path)).toEqual(["/dev/null"]);
  expect(rightsTo("/ours", {})).toBe(readFile | readDir);
  expect(rightsTo(Deno.execPath(), {})).toBe(readFile | execute);
});

test("read, write and execute are told apart", () => {
  expect(rightsTo("/x", { read: ["/x"] })).toBe(readFile | readDir);
  expect(rightsTo("/x", { write: ["/x"] }) & (readFile | readDir | execute)).toBe(0);
  expect(rightsTo("/x", { write: ["/x"] }) & (writeFile | truncate)).toBe(writeFile | truncate);
  expect(rightsTo("/x", { run: ["/x"] })).toBe(readFile | execute);
});

test("no box makes devices, sockets, pipes and links", () => {
  const { makeDir, removeDir, removeFile, refer } = FILE_RIGHTS;
  expect(rightsTo("/x", { write: ["/x"] })).toBe(
    writeFile | truncate | makeReg | makeDir | removeDir | removeFile | refer,
  );
});

test("ports are those of the permissions; only those of this machine may be listened on", () => {
  const net = ["api.example.com:443", "127.0.0.1:8080", "[::1]:9090", "192.0.2.1:25"];
  expect(boxWith({ net }).ruleset).toMatchObject({
    connect: [443, 8080, 9090, 25],
    bind: [8080, 9090],
  });
  expect(boxWith({ net: [...net, "example.com"] }).ruleset).toMatchObject({
    connect: null,
    bind: [8080, 9090],
  });
  expect(boxWith({ net: ["localhost"] }).ruleset).toMatchObject({ connect: null, bind: null });
});

test.each([
  [[], {}],
  [["192.0.2.1:1"], { net: true }],
  [["example.com:1"], { net: true, names: true }],
  [["127.0.0.1:1"], { net: true, listen: true }],
  [["localhost:1"], { net: true, names: true, listen: true }],
])("net = %j needs a filter for %j", (net, needs) => {
  const nothing = {
    net: false,
    names: false,
    listen: false,
    unix: false,
    write: false,
    run: false,
  };
  const filter = filterOf({ ...nothing, ...needs }, Deno.build.arch);
  expect(boxWith({ net }).entry.filter).toEqual(filter);
});

test("files by which names are looked up are read where there is a name", () => {
  expect(rightsTo("/etc/resolv.conf", { net: ["192.0.2.1:1"] })).toBe(0);
  expect(rightsTo("/etc/resolv.conf", { net: ["example.com:1"] })).toBe(readFile | readDir);
});

test("a script's interpreter may be executed with it", () => {
  const folder = Deno.makeTempDirSync();
  const script = join(folder, "script");
  Deno.writeTextFileSync(script, "#!/usr/bin/env python3 -I\n");
  expect(rightsTo("/usr/bin/env", { run: [script] }) & execute).toBe(execute);
  expect(rightsTo("/usr/bin/python3", { run: [script] }) & execute).toBe(execute);
  expect(rightsTo("/usr/bin/env", { read: [script] })).toBe(0);
  Deno.removeSync(folder, { recursive: true });
});

test.each([
  ["example.com", null, false, false],
  ["example.com:443", 443, false, false],
  ["localhost:1", 1, false, true],
  ["LOCALHOST", null, false, true],
  ["127.0.0.1:8080", 8080, true, true],
  ["127.1.2.3", null, true, true],
  ["0.0.0.0:80", 80, true, true],
  ["192.0.2.1:25", 25, true, false],
  ["[::1]:9090", 9090, true, true],
  ["[::]", null, true, true],
  ["[2001:db8::1]:443", 443, true, false],
  ["127.0.0.1.example.com:1", 1, false, false],
  ["localhost.example.com", null, false, false],
])("%s: port %s, an address: %s, this machine: %s", (entry, port, isAddress, isLocal) => {
  expect(hostOf(entry)).toEqual({ port, isAddress, isLocal });
});

test("what a kernel lacks is named, and is not in the box", () => {
  expect(missingParts(WHOLE)).toEqual([]);
  expect(missingParts({ landlock: 7, seccomp: true })).toEqual([]);
  expect(missingParts({ landlock: 5, seccomp: true })).toEqual([
    "Landlock of version 6 (this kernel has 5)",
  ]);
  expect(missingParts({ landlock: 0, seccomp: false })).toEqual([
    "Landlock (it needs version 6, of Linux 6.12)",
    "seccomp",
  ]);
  const bare = boxOf(NO_PERMISSIONS, [], { landlock: 0, seccomp: false });
  expect(bare).toMatchObject({ ruleset: null, entry: { filter: null, newPrivileges: false } });
  expect(noBox()).toMatchObject({ ruleset: null, entry: { filter: null, newPrivileges: true } });
});

/** Whether there is a kernel here to be asked. */
const IS_WHOLE = missingParts(thisKernel()).length === 0;

let folder: string;
/** All but a comma, which the configuration refuses. */
const ODD = `a "b" 'c' \\d e\n\t{}$(x)\`y\` ü 漢 %20 --flag`;

beforeAll(() => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-paths-" });
  Deno.mkdirSync(join(folder, ODD));
  Deno.mkdirSync(join(folder, "behind"));
  Deno.symlinkSync(join(folder, "behind"), join(folder, "link"));
  for (const place of [ODD, "behind", "."]) {
    Deno.writeTextFileSync(join(folder, place, "note"), "note");
  }
});

afterAll(() => Deno.removeSync(folder, { recursive: true }));

/** What one attempt at a path gives, with permissions to read or write. */
async function reach(
  allow: Partial<Permissions>,
  door: string,
  target: string,
): Promise<unknown> {
  const under = await PoolUnderTest.start({
    reach: handler("reach.ts", { allow: { ...NO_PERMISSIONS, ...allow } }),
  });
  try {
    const outcome = await under.run("reach", { door, target });
    return outcome.status === "succeeded" ? JSON.parse(outcome.resultText) : outcome.code;
  } finally {
    await under.close();
  }
}

test.skipIf(!IS_WHOLE)("a path of odd characters is that path", async () => {
  const note = join(folder, ODD, "note");
  const permitted = { read: [join(folder, ODD)] };
  expect(await reach(permitted, "read", note)).toBe("note");
  expect(await reach(permitted, "read", join(folder, "note"))).toBe("handler_failed");
});

test.skipIf(!IS_WHOLE)("a permitted path that is a link is where it leads", async () => {
  const permitted = { read: [join(folder, "link")] };
  expect(await reach(permitted, "read", join(folder, "link/note"))).toBe("note");
  expect(await reach(permitted, "read", join(folder, "note"))).toBe("handler_failed");
});

test.skipIf(!IS_WHOLE)("a link that is swapped after the start leads nowhere", async () => {
  const [link, other] = [join(folder, "swapped"), join(folder, "other")];
  Deno.mkdirSync(other);
  Deno.writeTextFileSync(join(other, "note"), "not permitted");
  Deno.symlinkSync(join(folder, "behind"), link);
  const under = await PoolUnderTest.start({
    link: handler("reach.ts", { allow: { ...NO_PERMISSIONS, read: [link] } }),
    folder: handler("reach.ts", { allow: { ...NO_PERMISSIONS, read: [join(folder, "moved")] } }),
  });
  const read = (action: string, path: string) =>
    under.run(action, { door: "read", target: join(folder, path, "note") });
  try {
    expect(await read("link", "swapped")).toMatchObject({ resultText: '"note"' });
    Deno.removeSync(link);
    for (const name of ["swapped", "moved"]) Deno.symlinkSync(other, join(folder, name));
    // some processes were started before
    for (let run = 0; run < 3; run++) {
      expect(await read("link", "swapped")).toMatchObject({ code: "handler_failed" });
      expect(await read("folder", "moved")).toMatchObject({ code: "handler_failed" });
    }
  } finally {
    await under.close();
  }
});

test.skipIf(!IS_WHOLE)("one file may be written, and nothing beside it", async () => {
  const file = join(folder, "one");
  Deno.writeTextFileSync(file, "before, and longer than what follows");
  expect(await reach({ write: [file] }, "write", file)).toBe(null);
  expect(Deno.readTextFileSync(file)).toBe("written");
  expect(await reach({ write: [file] }, "read", file)).toBe("handler_failed");
  expect(await reach({ write: [file] }, "write", `${file}.new`)).toBe("handler_failed");
  expect(await reach({ write: [file] }, "remove", file)).toBe("handler_failed");
});

test.skipIf(!IS_WHOLE)("a path that is not there when a process starts gives nothing", async () => {
  const file = join(folder, "missing");
  expect(await reach({ write: [file] }, "write", file)).toBe("handler_failed");
});
