import { expect, test } from "vitest";
import * as valibot from "valibot";
import { loadLibrary } from "../../src/executor/child/load.ts";
import { libraryOf } from "../../src/executor/program.ts";
import { LIBRARY } from "../../src/executor/protocol.ts";
import { program } from "../../src/os/program.ts";

const FILE = program.handlerModules.get("valibot") ?? "";

test("the script gives valibot, and the module hands on every export of it as the same object", async () => {
  const { script, module } = libraryOf(FILE, Deno.readTextFileSync(FILE));
  loadLibrary(script);
  const library: unknown = Reflect.get(globalThis, Symbol.for(LIBRARY));
  const handedOn: unknown = await import(
    /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(module)}`
  );
  if (typeof library !== "object" || library === null) throw new Error("no library");
  if (typeof handedOn !== "object" || handedOn === null) throw new Error("no module");
  expect(Object.keys(library).sort()).toEqual(Object.keys(valibot).sort());
  expect(Object.keys(handedOn).sort()).toEqual(Object.keys(valibot).sort());
  for (const name of Object.keys(valibot)) {
    expect(Reflect.get(handedOn, name), name).toBe(Reflect.get(library, name));
  }
});

test("a module of another shape is refused", () => {
  for (
    const text of [
      "",
      "export{};",
      "const a=1;",
      'import"x";const a=1;export{a};',
      "export let a=1;export{a}",
    ]
  ) {
    expect(() => libraryOf("valibot.mjs", text), text).toThrow("is not the library");
  }
});
