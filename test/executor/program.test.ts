import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scriptOf, writeProgram } from "../../src/executor/program.ts";
import type { Code } from "../../src/executor/protocol.ts";
import { program } from "../../src/os/program.ts";

const directory = Deno.makeTempDirSync({ prefix: "openexec-program-" });
beforeEach(() => Deno.mkdirSync(directory, { recursive: true }));
afterEach(() => Deno.removeSync(directory, { recursive: true }));

test("writeProgram() makes one script of what executors run, without a type or an import", () => {
  const { main, files } = writeProgram(directory);
  expect(main).toBe(join(directory, "main.js"));
  for (const file of [main, ...files]) Deno.statSync(file);
  const script = scriptIn(Deno.readTextFileSync(main));
  for (const file of ["executor/child/main.ts", "executor/protocol.ts", "box/enter.ts"]) {
    const text = Deno.readTextFileSync(join(program.root, "src", file));
    const [comment = ""] = /\/\*\*[\s\S]*?\*\//.exec(text) ?? [];
    expect(script, file).toContain(comment);
  }
  expect(script).not.toMatch(/^import |^export |\bimport\.meta\b/m);
  new Function(script); // throws for what is no JavaScript
});

test("writeProgram() mends what is not as it has to be, and leaves the rest alone", () => {
  const { main, importMap } = writeProgram(directory);
  const other = Deno.statSync(importMap).mtime;
  const whole = Deno.readTextFileSync(main);
  Deno.writeTextFileSync(main, `${whole}\n`);
  writeProgram(directory);
  expect(Deno.readTextFileSync(main)).toBe(whole);
  expect(Deno.statSync(importMap).mtime).toEqual(other);
});

/** The text that `main` hands to the runtime. */
function scriptIn(main: string): string {
  const [, literal = ""] = /^new Function\("openexec", (".*")\)\(openexec\);$/m.exec(main) ?? [];
  return String(JSON.parse(literal));
}

test("types become blanks, and JavaScript and what is more than types stay as they are", () => {
  const typed: Code = { text: "export const n: number = 1;", language: "typescript" };
  expect(scriptOf(typed)).toEqual({ text: "export const n         = 1;", language: "javascript" });
  const script: Code = { text: "export const n = 1;", language: "javascript" };
  expect(scriptOf(script)).toEqual(script);
  const more: Code = { text: "enum Colour { Red }", language: "typescript" };
  expect(scriptOf(more)).toEqual(more);
});
