import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { executorProgram } from "../../src/executor/executor_program.ts";
import { Scripts } from "../../src/executor/scripts.ts";
import { program } from "../../src/os/program.ts";

const directory = Deno.makeTempDirSync({ prefix: "openexec-program-" });
afterEach(() => Deno.removeSync(directory, { recursive: true }));

test("executorProgram() copies what executors of a checkout run, without a type, an import left behind, or a hole in it", async () => {
  const entry = await executorProgram(directory, new Scripts(join(directory, "scripts.json")));
  expect(entry).toBe(join(directory, "program/src/executor/child/main.js"));
  const copied = [...filesBelow(directory)];
  expect(copied).toContain(join(directory, "program/src/executor/protocol.js"));
  for (const file of copied.filter((file) => file.endsWith(".js"))) {
    const script = Deno.readTextFileSync(file);
    expect(script).not.toMatch(/from "\.[^"]*\.ts"/);
    const source = join(program.root, file.slice(join(directory, "program").length).replace(/\.js$/, ".ts"));
    expect(script.length, file).toBe(Deno.readTextFileSync(source).length);
  }
});

function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesBelow(join(folder, name));
    else yield join(folder, name);
  }
}
