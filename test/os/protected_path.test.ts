import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pathFault, socketFolderFault, thisUser } from "../../src/os/protected_path.ts";
import { OTHER_GID, OTHER_UID, testAsOthers } from "../support/other_users.ts";
import { testWith } from "../support/tools.ts";

const user = thisUser();
let directory: string;
beforeEach(() => {
  directory = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "openexec-paths-" }));
});
afterEach(() => Deno.removeSync(directory, { recursive: true }));

const at = (name: string) => join(directory, name);
const socketFault = (name: string) => socketFolderFault(at(name), user);

function folder(name: string, mode = 0o755): string {
  Deno.mkdirSync(at(name), { recursive: true });
  Deno.chmodSync(at(name), mode);
  return at(name);
}

function file(name: string, mode = 0o644): string {
  Deno.writeTextFileSync(at(name), "");
  Deno.chmodSync(at(name), mode);
  return at(name);
}

test.each([
  [0o700, true, true],
  [0o755, true, true],
  [0o775, true, true],
  [0o1777, true, false],
  [0o777, false, false],
  [0o757, false, false],
])("a folder of mode %o is fit for sockets: %s, and for state: %s", (mode, sockets, state) => {
  const path = folder("run", mode);
  expect(socketFault("run/a.sock") === null).toBe(sockets);
  expect(pathFault(path, user) === null).toBe(state);
});

test.each([[0o600, true], [0o664, true], [0o606, false], [0o666, false]])(
  "a file of mode %o is one of the daemon's own: %s",
  (mode, isOwn) => expect(pathFault(file("handler.ts", mode), user) === null).toBe(isOwn),
);

test("what is not there is as safe as the folder it would be in", () => {
  folder("open", 0o777);
  folder("sticky", 0o1777);
  expect(pathFault(at("none/state"), user)).toBeNull();
  expect(pathFault(at("sticky/state"), user)).toBeNull();
  expect(pathFault(at("open/state"), user)?.what).toContain(at("open"));
  expect(socketFault("none/a.sock")?.what).toContain(at("none"));
});

test("a fault names the place, what the place leads to, and the way out", () => {
  folder("open/inner");
  Deno.chmodSync(at("open"), 0o777);
  const path = file("open/inner/openexec.toml");
  expect(pathFault(path, user)).toEqual({
    what: `${at("open")}, on the way to ${path}, is writable for everyone`,
    remedy: `chmod o-w ${at("open")}`,
  });
  Deno.chmodSync(path, 0o666);
  Deno.chmodSync(at("open"), 0o755);
  expect(pathFault(path, user)?.what).toBe(`${path} is writable for everyone`);
});

test("every folder that a link passes counts, not only where it begins and ends", () => {
  folder("open", 0o777);
  folder("target");
  Deno.symlinkSync("../target", at("open/middle"));
  Deno.symlinkSync(at("open/middle"), at("first"));
  file("target/handler.ts");
  expect(pathFault(at("target/handler.ts"), user)).toBeNull();
  expect(pathFault(at("first/handler.ts"), user)?.what).toContain(at("open"));
  expect(socketFault("first/a.sock")?.what).toContain(at("open"));
});

test("links that lead in a circle are refused", () => {
  Deno.symlinkSync("b", at("a"));
  Deno.symlinkSync("a", at("b"));
  expect(() => pathFault(at("a"), user)).toThrow(/too many links/);
});

testAsOthers("what belongs to other users, or other groups may write, is refused", async () => {
  const path = folder("run");
  Deno.chownSync(path, OTHER_UID, 0);
  expect(pathFault(path, user)?.what).toContain("belongs to another user");
  expect(socketFault("run/a.sock")?.what).toContain("belongs to another user");
  expect(pathFault(path, { uid: OTHER_UID, gid: OTHER_GID })).toBeNull();
  Deno.chownSync(path, 0, OTHER_GID);
  expect(pathFault(path, user)).toBeNull();
  Deno.chmodSync(path, 0o775);
  expect(pathFault(path, user)?.what).toContain("is writable for another group");
  expect(pathFault(path, { uid: OTHER_UID, gid: OTHER_GID })).toBeNull();
  await Promise.resolve();
});

testAsOthers("a link of another user is refused, wherever it leads", async () => {
  folder("run");
  Deno.symlinkSync(at("run"), at("link"));
  await new Deno.Command("chown", { args: ["-h", String(OTHER_UID), at("link")] }).output();
  expect(pathFault(at("link"), user)?.what).toBe(`${at("link")} belongs to another user`);
});

/** acl(5) in the form of the kernel: user 12345 may write, which the group's bits stand for. */
const ADD_TO_LIST = `
import os, struct, sys
entries = [(1, 7, -1), (2, 7, 12345), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
text = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", text)
`;

testWith("python3")("a list of others who may write is not hidden by our own group", async () => {
  const path = folder("run", 0o775);
  expect(pathFault(path, user)).toBeNull();
  const { code } = await new Deno.Command("python3", { args: ["-c", ADD_TO_LIST, path] }).output();
  expect(code).toBe(0);
  expect(pathFault(path, user)?.remedy).toBe(`setfacl --remove-all ${path}`);
});
