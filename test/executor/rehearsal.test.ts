/** `pin` and `test-action` without a daemon. */

import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { digestOf } from "../../src/core/sha.ts";
import { pinHandler, rehearse } from "../../src/executor/rehearse.ts";
import { HANDLERS, Heard } from "./pool_under_test.ts";

const FILE = `${HANDLERS}reach.ts`;
const OPTIONS = { clock: systemClock, variable: () => undefined, log: new Heard() };

test("pinHandler() gives the digest of the file's bytes and its schemas", async () => {
  expect(await pinHandler(FILE, OPTIONS)).toMatchObject({
    file: FILE,
    digest: digestOf(Deno.readFileSync(FILE)),
    inputSchema: { type: "object", required: ["door", "target"], additionalProperties: false },
  });
});

test("of node:child_process nothing works, and the reason says what does", async () => {
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    file,
    `import { defineAction } from "openexec";
import { execFileSync } from "node:child_process";
import * as v from "valibot";
export default defineAction({
  input: v.strictObject({}),
  output: v.string(),
  run: () => execFileSync("/bin/true").toString(),
});`,
  );
  const options = { ...OPTIONS, log: new Heard() };
  const { status } = await rehearse({
    file,
    payload: {},
    allow: { net: [], read: [], write: [], env: [], run: ["/bin/true"], unix: [] },
    secrets: new Map(),
    timeoutMs: 10_000,
    memoryBytes: 256 * 1024 * 1024,
    resultBytes: 1024,
  }, options);
  expect(status).toBe("failed");
  expect(options.log.failures[0]?.reason).toContain("Deno's Command does without");
  Deno.removeSync(file);
});

test("rehearse() runs a handler with the grants it is given and no others", async () => {
  const rehearsal = {
    file: FILE,
    allow: { net: [], read: ["/etc/hostname"], write: [], env: [], run: [], unix: [] },
    secrets: new Map<string, string>(),
    timeoutMs: 10_000,
    memoryBytes: 256 * 1024 * 1024,
    resultBytes: 1024,
  };
  const options = { ...OPTIONS, log: new Heard() };
  const granted = await rehearse(
    { ...rehearsal, payload: { door: "read", target: "/etc/hostname" } },
    options,
  );
  expect(granted).toEqual({
    status: "succeeded",
    resultText: JSON.stringify(Deno.readTextFileSync("/etc/hostname")),
  });
  const denied = await rehearse(
    { ...rehearsal, payload: { door: "read", target: "/etc/passwd" } },
    options,
  );
  expect(denied).toEqual({ status: "failed", code: "handler_failed" });
  const { reason } = options.log.failures[0] ?? {};
  expect(reason).toContain('read access to "/etc/passwd", and allow.read of the action does not');
  expect(reason).not.toContain("--allow");
});
