import { join } from "node:path";
import { expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { fileStatus, groupId, makePrivateFolder, realPath } from "../../src/os/files.ts";

const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;

test("makePrivateFolder() makes what is missing for this user only, and leaves what is there", () => {
  const root = Deno.makeTempDirSync();
  Deno.chmodSync(root, 0o755);
  makePrivateFolder(`${root}/a/b`);
  makePrivateFolder(`${root}/a/b`);
  expect([mode(root), mode(`${root}/a`), mode(`${root}/a/b`)]).toEqual([0o755, 0o700, 0o700]);
  Deno.removeSync(root, { recursive: true });
});

test("makePrivateFolder() says what keeps it from making one", () => {
  const root = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${root}/file`, "");
  expect(() => makePrivateFolder(`${root}/file/below`)).toThrow(StartupError);
  Deno.removeSync(root, { recursive: true });
});

test("groups are found by name", () => {
  const [name = "", , id = ""] = (Deno.readTextFileSync("/etc/group").split("\n")[0] ?? "").split(
    ":",
  );
  expect(groupId(name)).toBe(Number(id));
  expect(groupId("no-such-group-here")).toBeUndefined();
  expect(["0", "4294967294"].map(groupId)).toEqual([0, 4294967294]);
  for (const none of ["", "-1", "4294967295", "0x1"]) expect(groupId(none)).toBeUndefined();
});

test("a file's status is that of the file itself, not of what it leads to", () => {
  const directory = Deno.makeTempDirSync();
  Deno.chmodSync(directory, 0o1751);
  const link = join(directory, "link");
  Deno.symlinkSync("/etc", link);
  const status = fileStatus(directory);
  expect([status?.kind, status?.mode, status?.uid]).toEqual(["directory", 0o1751, Deno.uid()]);
  expect(fileStatus(link)?.kind).toBe("link");
  expect(fileStatus(join(directory, "none"))).toBeUndefined();
  expect(() => fileStatus("/etc/passwd/x")).toThrow();
  expect(realPath(link)).toBe("/etc");
  expect(realPath(join(directory, "none"))).toBeUndefined();
  expect(fileStatus(directory)?.identity).not.toBe(fileStatus("/etc")?.identity);
  Deno.removeSync(directory, { recursive: true });
});
