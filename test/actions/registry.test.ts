/** Which code an action's name stands for. */

import { needed } from "../support/approvals.ts";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readHandler, readHandlers } from "../../src/actions/pin.ts";
import { BUILTINS } from "../../src/config/defaults.ts";
import type { ActionConfig } from "../../src/config/config.ts";
import { digestOf } from "../../src/core/sha.ts";
import { UNSAID } from "../../src/core/presentation.ts";
import { utf8Encode } from "../../src/core/bytes.ts";
import { program } from "../../src/os/program.ts";

let folder: string;

beforeAll(() => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-registry-" });
});

afterAll(() => Deno.removeSync(folder, { recursive: true }));

function action(
  module: ActionConfig["module"],
  digest: ActionConfig["digest"] = null,
): ActionConfig {
  return {
    name: "charge",
    module,
    digest,
    ...needed(1),
    timeoutMs: 1,
    concurrency: 1,
    isolation: "fresh",
    idempotent: false,
    presentation: UNSAID,
    fields: new Map(),
    onInterrupt: "unknown",
    allow: { net: [], read: [], write: [], env: [], run: [], unix: [] },
    unconfined: false,
    secrets: new Map(),
    memoryBytes: 1,
    retention: {},
  };
}

function write(name: string, bytes: Uint8Array): string {
  Deno.writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

test("readHandler() keeps every byte, a byte-order mark too, and digests them", async () => {
  const bytes = utf8Encode("\ufeffexport default 1; // \u20ac\r\n");
  const code = await readHandler(write("marked.js", bytes));
  expect(utf8Encode(code.text)).toEqual(bytes);
  expect(code).toMatchObject({ digest: digestOf(bytes), language: "javascript" });
});

test.each([["a.ts", "typescript"], ["a.mts", "typescript"], ["a.js", "javascript"], [
  "a.mjs",
  "javascript",
]])(
  "readHandler() takes %s for %s",
  async (name, language) => {
    expect((await readHandler(write(name, utf8Encode("")))).language).toBe(language);
  },
);

test.each(["a.tsx", "a.cjs", "a.json", "a", "ts"])("readHandler() refuses %s", async (name) => {
  await expect(readHandler(write(name, utf8Encode("")))).rejects.toMatchObject({
    name: "StartupError",
  });
});

test("readHandler() refuses what is too large to be a handler", async () => {
  const file = write("large.ts", new Uint8Array(8 * 1024 * 1024 + 1).fill(0x20));
  await expect(readHandler(file)).rejects.toMatchObject({ name: "StartupError" });
});

test.each(["enforced", "demo"] as const)(
  "in %s mode a digest that does not match is refused",
  async (mode) => {
    const file = write("pinned.ts", utf8Encode("export default 1;"));
    const pinned = digestOf(utf8Encode("export default 1;"));
    const other = digestOf(utf8Encode("export default 2;"));
    expect(
      (await readHandlers(new Map([["charge", action({ file }, pinned)]]), mode)).get("charge")
        ?.digest,
    )
      .toBe(pinned);
    await expect(readHandlers(new Map([["charge", action({ file }, other)]]), mode)).rejects
      .toMatchObject({
        what: expect.stringContaining("charge"),
        remedy: expect.stringContaining(pinned),
      });
  },
);

test("a module needs a digest in enforced mode, and none in demo mode", async () => {
  const file = write("unpinned.ts", utf8Encode(""));
  const actions = new Map([["charge", action({ file })]]);
  await expect(readHandlers(actions, "enforced")).rejects.toMatchObject({ name: "StartupError" });
  expect((await readHandlers(actions, "demo")).size).toBe(1);
});

test("every built-in that a configuration may name is there, and no other", async () => {
  expect([...program.builtins.keys()].sort()).toEqual([...BUILTINS].sort());
  for (const builtin of BUILTINS) {
    const handlers = await readHandlers(new Map([["charge", action({ builtin })]]), "enforced");
    expect(handlers.get("charge")?.text).toContain("defineAction");
  }
  await expect(readHandlers(new Map([["charge", action({ builtin: "probe" })]]), "demo")).rejects
    .toMatchObject({
      name: "StartupError",
    });
});
