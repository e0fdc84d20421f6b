import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { handler, PoolUnderTest } from "./pool_under_test.ts";

const folder = Deno.makeTempDirSync({ prefix: "openexec-schemas-" });
afterAll(() => Deno.removeSync(folder, { recursive: true }));

/** Its schema is another one each time that it is read. */
const text = (label: string) => `
import { defineAction } from "openexec";
import * as v from "valibot";
export default defineAction({
  input: v.strictObject({ ${label}: v.literal(Math.random()) }),
  output: v.string(),
  run: () => "ran",
});
`;

let file = "";
let stateDir = "";
let kept = "";

beforeEach(() => {
  stateDir = Deno.makeTempDirSync({ dir: folder });
  file = join(stateDir, "handler.ts");
  kept = join(stateDir, "executors/schemas.json");
  Deno.writeTextFileSync(file, text("first"));
});

/** The input schema of a start in that state directory. */
async function schemaOfStart(
  more: Readonly<Record<string, ReturnType<typeof handler>>> = {},
): Promise<string> {
  const under = await PoolUnderTest.start({ random: handler(file), ...more }, { stateDir });
  const schema = under.pool.actions.get("random")?.inputSchema;
  await under.pool.close();
  return JSON.stringify(schema);
}

test("what a handler takes and gives is read once, and is the same at the next start", async () => {
  const first = await schemaOfStart();
  expect(first).toContain("first");
  expect(await schemaOfStart()).toBe(first);
  expect((Deno.statSync(kept).mode ?? 0) & 0o777).toBe(0o600);
});

test("another code is read anew, and what it was is not kept", async () => {
  const first = await schemaOfStart();
  Deno.writeTextFileSync(file, text("second"));
  expect(await schemaOfStart()).toContain("second");
  Deno.writeTextFileSync(file, text("first"));
  expect(await schemaOfStart()).not.toBe(first);
});

test("one that is added is read, and the others are not", async () => {
  const first = await schemaOfStart();
  const other = join(stateDir, "other.ts");
  Deno.writeTextFileSync(other, text("other"));
  expect(await schemaOfStart({ other: handler(other) })).toBe(first);
  expect(Deno.readTextFileSync(kept)).toContain("other");
});

test.each([
  ["cut short", (was: string) => was.slice(0, -9)],
  ["something else", () => "[]"],
  [
    "of other circumstances",
    (was: string) => was.replace(/"circumstances":"sha256:./, '"circumstances":"sha256:x'),
  ],
  ["one with another schema", (was: string) => was.replace(/"text":"\{/, '"text":"{ ')],
])("what was kept is read anew where the file is %s", async (_, changed) => {
  const first = await schemaOfStart();
  Deno.writeTextFileSync(kept, changed(Deno.readTextFileSync(kept)));
  const second = await schemaOfStart();
  expect(second).toContain("first");
  expect(second).not.toBe(first);
  expect(await schemaOfStart()).toBe(second);
});
