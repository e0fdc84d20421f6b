/** What a handler reaches: nothing without a grant, and with one exactly that. */

import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { libc } from "../../src/os/libc.ts";
import { startTimeOf } from "../../src/os/process.ts";
import { handler, HANDLERS, PoolUnderTest } from "./pool_under_test.ts";

let under: PoolUnderTest;
let folder: string;
let server: Server;
let port: number;
let descriptor: number;

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-grants-" });
  for (const name of ["granted", "other"]) Deno.mkdirSync(join(folder, name));
  Deno.writeTextFileSync(join(folder, "granted/note"), "granted");
  Deno.writeTextFileSync(join(folder, "other/note"), "not granted");
  Deno.writeTextFileSync(join(folder, "granted/code.js"), "export const code = 1;");
  Deno.symlinkSync(join(folder, "other/note"), join(folder, "granted/link"));
  server = createServer((_request, response) => response.end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  // a descriptor that would be inherited: opened without close-on-exec
  descriptor = libc.open(new TextEncoder().encode(`${folder}/other/note\0`), 0);
  under = await PoolUnderTest.start({
    none: handler("reach.ts"),
    // a worker of a handler's own reserves more than half a gibibyte before it does anything
    roomy: handler("reach.ts", { memoryBytes: 1024 * 1024 * 1024 }),
    folder: handler("reach.ts", {
      allow: {
        net: [],
        read: [join(folder, "granted")],
        write: [join(folder, "granted")],
        env: [],
        run: [],
        unix: [],
      },
    }),
    some: handler("reach.ts", {
      allow: {
        net: [`127.0.0.1:${port}`],
        read: [join(folder, "granted")],
        write: [join(folder, "granted")],
        env: ["GRANTED", "MISSING"],
        run: ["/bin/echo"],
        unix: [],
      },
    }),
  }, { variable: (name) => ({ GRANTED: "granted", SECRET: "not granted" })[name] });
});

afterAll(async () => {
  await under.close();
  server.close();
  libc.close(descriptor);
  Deno.removeSync(folder, { recursive: true });
});

function fill(target: string): string {
  return target.replace("FOLDER", folder).replace("PORT", String(port)).replace(
    "HANDLERS",
    HANDLERS,
  )
    .replace("STATE", under.stateDir);
}

const DENIED_WITHOUT_GRANT: readonly (readonly [door: string, target: string])[] = [
  ["read", "/etc/passwd"],
  ["read", "/etc/hostname"],
  ["read", "STATE/executors/canary"],
  ["list", "/"],
  ["write", "/tmp/openexec-must-not-exist"],
  ["remove", "FOLDER/granted/note"],
  ["env", "PATH"],
  ["env", "HOME"],
  ["allEnv", ""],
  ["fetch", "http://127.0.0.1:PORT/"],
  ["connect", "PORT"],
  ["unix", "/run/systemd/notify"],
  ["listen", ""],
  ["resolve", "localhost"],
  ["run", "/bin/echo"],
  ["kill", "1"],
  ["ffi", "/lib/x86_64-linux-gnu/libc.so.6"],
  ["sys", ""],
  ["uid", ""],
  ["proc", ""],
  ["import", "file:///etc/hostname"],
  ["import", "HANDLERS/bystander.ts"],
  ["import", "file://STATE/executors/modules/valibot.mjs"],
  ["import", "npm:valibot"],
  ["import", "jsr:@std/assert"],
  ["import", "http://127.0.0.1:PORT/x.ts"],
  ["import", "https://deno.land/std/version.ts"],
  ["import", "data:text/javascript,export * from 'file:///etc/hostname'"],
  ["staticImport", ""],
  ["kv", ""],
  ["cache", ""],
  ["storage", ""],
  ["worker", ""],
];

test.each(DENIED_WITHOUT_GRANT)("without a grant, %s %s is refused", async (door, target) => {
  const outcome = await under.run("none", { door, target: fill(target) });
  expect(outcome).toEqual({ status: "failed", code: "handler_failed" });
});

const DENIED_BESIDE_A_GRANT: readonly (readonly [door: string, target: string])[] = [
  ["read", "FOLDER/other/note"],
  ["read", "FOLDER/granted/../other/note"],
  ["read", "/etc/passwd"],
  ["write", "FOLDER/other/new"],
  ["link", "FOLDER/granted/passwd"],
  ["env", "SECRET"],
  ["env", "PATH"],
  ["env", "DENO_DIR"],
  ["fetch", "http://localhost:PORT/"],
  ["fetch", "http://127.0.0.1:1/"],
  ["run", "/bin/cat"],
  ["run", "/bin/sh"],
  ["kill", "1"],
  ["ffi", "/lib/x86_64-linux-gnu/libc.so.6"],
  ["sys", ""],
  ["import", "file:///etc/hostname"],
  ["import", "file://FOLDER/granted/code.js"],
  ["libraryImport", "file://FOLDER/granted/code.js"],
  ["libraryImport", "file://STATE/executors/main.js#again"],
  ["worker", ""],
];

test.each(DENIED_BESIDE_A_GRANT)("beside its grants, %s %s is refused", async (door, target) => {
  const outcome = await under.run("some", { door, target: fill(target) });
  expect(outcome).toEqual({ status: "failed", code: "handler_failed" });
});

test("a worker that the handler starts has no permission that the handler lacks", async () => {
  const outcome = await under.run("roomy", {
    door: "fileWorker",
    target: fill("HANDLERS/bystander.ts"),
  });
  expect(outcome).toEqual({ status: "failed", code: "handler_failed" });
  expect(under.heard.failures.at(-1)?.reason).toContain("nowhere:");
  expect(await under.result("roomy", { door: "ownWorker", target: "from a worker" })).toBe(
    "from a worker",
  );
});

test("asking for a permission at run time gets none", async () => {
  expect(await under.result("none", { door: "askPermission", target: "" })).toBe("denied");
});

test.each([
  ["read", "FOLDER/granted/note", "granted"],
  ["list", "FOLDER/granted", ["code.js", "link", "note"]],
  ["write", "FOLDER/granted/new", null],
  ["env", "GRANTED", "granted"],
  ["env", "MISSING", null],
  ["fetch", "http://127.0.0.1:PORT/", "hello"],
  ["run", "/bin/echo", "\n"],
])("a grant for %s %s is honoured", async (door, target, found) => {
  const result = await under.result("some", { door, target: fill(target) });
  expect(Array.isArray(result) ? result.sort() : result).toEqual(found);
});

test("no symbolic link can be made inside of a folder that may be read and written", async () => {
  const outcome = await under.run("folder", { door: "wasiLink", target: fill("FOLDER/granted") });
  expect(outcome).toEqual({ status: "failed", code: "handler_failed" });
  expect(under.heard.failures.at(-1)?.reason).toContain("path_symlink");
  expect(() => Deno.lstatSync(fill("FOLDER/granted/passwd"))).toThrow(Deno.errors.NotFound);
});

test("a symbolic link that others made inside of a granted folder leads to nothing outside of it", async () => {
  const target = fill("FOLDER/granted/link");
  const outcome = await under.run("some", { door: "read", target });
  expect(outcome).toEqual({ status: "failed", code: "handler_failed" });
  expect(under.heard.failures.at(-1)?.reason).toContain("PermissionDenied");
});

test("an executor has no environment, no descriptors and no group of its parent, and goes first when memory runs out", async () => {
  await under.result("some", { door: "env", target: "GRANTED" });
  const alive = () => under.pids().filter((pid) => startTimeOf(pid) !== null);
  await expect.poll(() => alive().length).toBeGreaterThan(0);
  for (const pid of alive().slice(-1)) {
    const environment = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").filter((entry) =>
      entry !== ""
    );
    const names = environment.map((entry) => entry.slice(0, entry.indexOf("=")));
    expect(
      names.filter((name) =>
        !/^(DENO_DIR|DENO_EXTRA_STDIO_FDS|DENO_NO_UPDATE_CHECK|NO_COLOR|GRANTED)$/.test(name)
      ),
    )
      .toEqual([]);
    const files = filesOf(pid);
    expect(files).toContain("/dev/null");
    expect(files.filter((file) => file.startsWith("/") && file !== "/dev/null")).toEqual([]);
    expect(Deno.readTextFileSync(`/proc/${pid}/oom_score_adj`).trim()).toBe("800");
    expect(Deno.readTextFileSync(`/proc/${pid}/limits`)).toMatch(/Max core file size +0 /);
    expect(Deno.readTextFileSync(`/proc/${pid}/stat`).split(" ")[4]).toBe(String(pid));
  }
});

/** What its descriptors are, less those that it closed meanwhile. */
function filesOf(pid: number): string[] {
  return Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  });
}
