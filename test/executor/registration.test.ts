/** What is shown of an action: the configuration's words, then the handler's. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UNSAID } from "../../src/core/presentation.ts";
import type { RegisteredAction } from "../../src/executor/types.ts";
import { ECHO, handler, PoolUnderTest } from "./pool_under_test.ts";

let folder: string;
beforeAll(() => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-registration-" });
});
afterAll(() => Deno.removeSync(folder, { recursive: true }));

/** Writes a handler that says `words` of itself. */
function write(name: string, words: string): string {
  const file = join(folder, name);
  Deno.writeTextFileSync(
    file,
    `import { defineAction } from "openexec";
     import * as v from "valibot";
     export default defineAction({
       ${words}
       input: v.strictObject({ cents: v.pipe(v.number(), v.description("by the handler")) }),
       output: v.null(),
       run: () => null,
     });`,
  );
  return file;
}

async function registeredAs(changes: Parameters<typeof handler>[1], file: string) {
  const under = await PoolUnderTest.start({ charge: handler(file, changes) });
  const action = under.pool.actions.get("charge");
  await under.close();
  return action;
}

function descriptionOf(action: RegisteredAction | undefined): unknown {
  const properties = action?.inputSchema["properties"];
  return JSON.parse(JSON.stringify(properties)).cents.description;
}

test("a handler's own words are shown where the configuration has none", async () => {
  const file = write("says.ts", 'title: "Charge", description: "Charges.", destructive: true,');
  const action = await registeredAs({}, file);
  expect(action?.presentation).toEqual({
    ...UNSAID,
    title: "Charge",
    description: "Charges.",
    destructive: true,
  });
  expect(descriptionOf(action)).toBe("by the handler");
});

test("the configuration's words go before the handler's, one by one", async () => {
  const file = write("overruled.ts", 'title: "Charge", read_only: true, open_world: true,');
  const presentation = { ...UNSAID, title: "Charge a card", read_only: false };
  const fields = new Map([["cents", "by the operator"]]);
  const action = await registeredAs({ presentation, fields }, file);
  expect(action?.presentation).toEqual({ ...presentation, open_world: true });
  expect(descriptionOf(action)).toBe("by the operator");
});

test("words about a member that the schema does not have refuse the start", async () => {
  const fields = new Map([["euros", "The amount."]]);
  await expect(registeredAs({ fields }, write("plain.ts", ""))).rejects.toMatchObject({
    name: "StartupError",
    what: expect.stringContaining("euros"),
    remedy: expect.stringContaining("cents"),
  });
});

test.each([
  ["a number", "title: 7,"],
  ["too long", `title: "${"t".repeat(101)}",`],
  ["a text for a flag", 'read_only: "yes",'],
])("a handler whose word is %s refuses the start", async (what, words) => {
  const file = write(`${what}.ts`, words);
  await expect(registeredAs({}, file)).rejects.toMatchObject({ name: "StartupError" });
});

test("the built-ins say what they are", async () => {
  const under = await PoolUnderTest.start({ echo: ECHO });
  expect(under.pool.actions.get("echo")?.presentation).toMatchObject({ read_only: true });
  await under.close();
});
