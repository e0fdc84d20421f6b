import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readRegularFile, readRegularText } from "../../src/os/regular_file.ts";
import { StartupError } from "../../src/core/startup_error.ts";

const folder = Deno.makeTempDirSync({ prefix: "openexec-regular-" });
afterAll(() => Deno.removeSync(folder, { recursive: true }));

test("a file is read, also through a link", () => {
  const path = join(folder, "file");
  Deno.writeTextFileSync(path, "text");
  Deno.symlinkSync(path, join(folder, "link"));
  expect([readRegularText(path), readRegularText(join(folder, "link"))]).toEqual(["text", "text"]);
});

test("what would keep its reader waiting, or never ends, is refused before it is opened", () => {
  execFileSync("mkfifo", [join(folder, "pipe")]);
  Deno.writeTextFileSync(join(folder, "endless"), "");
  Deno.truncateSync(join(folder, "endless"), 2 ** 40);
  for (const path of [join(folder, "pipe"), join(folder, "endless"), "/dev/zero", folder]) {
    expect(() => readRegularFile(path), path).toThrow(StartupError);
  }
});

test("a file that is not there is told from one that is no UTF-8", () => {
  expect(() => readRegularText(join(folder, "none"))).toThrow(Deno.errors.NotFound);
  Deno.writeFileSync(join(folder, "bytes"), Uint8Array.of(0xff));
  expect(() => readRegularText(join(folder, "bytes"))).toThrow(StartupError);
});
