import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scriptOf, writeProgram } from "../../src/executor/program.ts";
import type { Code } from "../../src/executor/protocol.ts";
import { program } from "../../src/os/program.ts";

const directory = Deno.makeTempDirSync({ prefix: "openexec-program-" });
beforeEach(() => Deno.mkdirSync(directory, { recursive: true }));
afterEach(() => Deno.removeSync(directory, { recursive: true }));

test("writeProgram() copies what executors of a checkout run, without a type, an import left behind, or a hole in it", () => {
  const { main, files } = writeProgram(directory);
  expect(main).toBe(join(directory, "program/src/executor/child/main.js"));
  for (const file of [main, ...files]) Deno.statSync(file);
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
  const { main } = writeProgram(directory);
  const file = join(directory, "program/src/executor/protocol.js");
  const other = Deno.statSync(main).mtime;
  const whole = Deno.readTextFileSync(file);
  Deno.writeTextFileSync(file, `${whole}\n`);
  writeProgram(directory);
  expect(Deno.readTextFileSync(file)).toBe(whole);
  expect(Deno.statSync(main).mtime).toEqual(other);
});

function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesBelow(join(folder, name));
    else yield join(folder, name);
  }
}

test("types become blanks, and JavaScript and what is more than types stay as they are", () => {
  const typed: Code = { text: "export const n: number = 1;", language: "typescript" };
  expect(scriptOf(typed)).toEqual({ text: "export const n         = 1;", language: "javascript" });
  const script: Code = { text: "export const n = 1;", language: "javascript" };
  expect(scriptOf(script)).toEqual(script);
  const more: Code = { text: "enum Colour { Red }", language: "typescript" };
  expect(scriptOf(more)).toEqual(more);
});
