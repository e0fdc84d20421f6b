import { afterEach, beforeEach, expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import {
  createPrivateFile,
  readPrivateFile,
  replacePrivateFile,
} from "../../src/os/private_file.ts";
import { program } from "../../src/os/program.ts";

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
  replacePrivateFile(file, "third");
  expect(readPrivateFile(file)).toBe("third");
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

test.each(["createPrivateFile", "replacePrivateFile"])(
  "a process that dies while %s() writes leaves nothing under the name",
  async (act) => {
    const module = new URL("../../src/os/private_file.ts", import.meta.url);
    const script = `import { ${act} } from "${module}"; ${act}("${file}", "a key");`;
    await Deno.writeTextFile(`${folder}/main.ts`, script);
    // the kernel ends the process at the first byte that it writes to a file
    const run = new Deno.Command("sh", {
      args: [
        "-c",
        'ulimit -f 0; exec "$0" run -A --no-lock --no-config "$1"',
        program.runtime,
        `${folder}/main.ts`,
      ],
      env: { DENO_NO_UPDATE_CHECK: "1", DENO_DIR: `${folder}/cache` },
      stderr: "null",
    });
    expect((await run.output()).signal).toBe("SIGXFSZ");
    expect(readPrivateFile(file)).toBeNull();
  },
);
