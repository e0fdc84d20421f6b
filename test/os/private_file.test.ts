import { afterEach, beforeEach, expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { createPrivateFile, readPrivateFile } from "../../src/os/private_file.ts";
import { dieWriting } from "../support/dies_writing.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await Deno.makeTempDir({ prefix: "openexec-private-" });
  file = `${folder}/a.key`;
});
afterEach(() => Deno.remove(folder, { recursive: true }));

test("a private file is made for its user alone, once, and leaves nothing beside it", () => {
  expect(readPrivateFile(file)).toBeNull();
  expect(createPrivateFile(file, "first")).toBe(true);
  expect(createPrivateFile(file, "second")).toBe(false);
  expect(readPrivateFile(file)).toBe("first");
  expect((Deno.statSync(file).mode ?? 0) & 0o777).toBe(0o600);
  expect([...Deno.readDirSync(folder)].map(({ name }) => name)).toEqual(["a.key"]);
});

test("a private file that others can open is refused", () => {
  createPrivateFile(file, "key");
  for (const mode of [0o640, 0o604, 0o644]) {
    Deno.chmodSync(file, mode);
    expect(() => readPrivateFile(file)).toThrow(StartupError);
  }
});

test("a process that dies while it writes leaves nothing under the name", async () => {
  const module = new URL("../../src/os/private_file.ts", import.meta.url);
  const code =
    `import { createPrivateFile } from "${module}"; createPrivateFile("${file}", "a key");`;
  expect(await dieWriting(folder, code)).toBe("SIGXFSZ");
  expect(readPrivateFile(file)).toBeNull();
});
