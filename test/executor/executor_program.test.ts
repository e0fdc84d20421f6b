import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { writeProgram } from "../../src/executor/executor_program.ts";
import { layoutOf } from "../../src/executor/layout.ts";
import { program } from "../../src/os/program.ts";

const directory = Deno.makeTempDirSync({ prefix: "openexec-program-" });
afterEach(() => Deno.removeSync(directory, { recursive: true }));

test("writeProgram() copies what executors of a checkout run, without a type, an import left behind, or a hole in it", () => {
  const layout = layoutOf(directory);
  writeProgram(layout);
  expect(layout.entry).toBe(join(directory, "program/src/executor/child/main.js"));
  expect(Deno.statSync(layout.entry).isFile).toBe(true);
  const copied = [...filesBelow(directory)];
  expect(copied).toContain(join(directory, "program/src/executor/protocol.js"));
  for (const file of copied.filter((file) => file.endsWith(".js"))) {
    const script = Deno.readTextFileSync(file);
    expect(script).not.toMatch(/from "\.[^"]*\.ts"/);
    const source = join(
      program.root,
      file.slice(join(directory, "program").length).replace(/\.js$/, ".ts"),
    );
    expect(script.length, file).toBe(Deno.readTextFileSync(source).length);
  }
});

test("writeProgram() mends what is not as it has to be, and leaves the rest alone", () => {
  Deno.mkdirSync(directory, { recursive: true });
  const layout = layoutOf(directory);
  writeProgram(layout);
  const file = join(directory, "program/src/executor/protocol.js");
  const other = Deno.statSync(layout.entry).mtime;
  const whole = Deno.readTextFileSync(file);
  Deno.writeTextFileSync(file, `${whole}\n`);
  writeProgram(layout);
  expect(Deno.readTextFileSync(file)).toBe(whole);
  expect(Deno.statSync(layout.entry).mtime).toEqual(other);
});

function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesBelow(join(folder, name));
    else yield join(folder, name);
  }
}
