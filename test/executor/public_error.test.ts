/** Only the message of a PublicError leaves an executor for whoever asked. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handler, PoolUnderTest } from "./pool_under_test.ts";

let folder: string;
let under: PoolUnderTest;

beforeAll(async () => {
  folder = Deno.makeTempDirSync({ prefix: "openexec-speaks-" });
  const secret = join(folder, "word");
  Deno.writeTextFileSync(secret, "hunter2-hunter2");
  const secrets = new Map([["word", secret]]);
  under = await PoolUnderTest.start({ speaks: handler("speaks.ts", { secrets }) });
});

afterAll(async () => {
  await under.close();
  Deno.removeSync(folder, { recursive: true });
});

const FAILED = { status: "failed", code: "handler_failed" };

test.each([
  ["plainly", "the card was declined"],
  ["withACause", "the card was declined"],
  ["byASubclass", "the card was declined"],
  ["byACopy", "the card was declined"],
  ["atLength", "\u{1f4b3}".repeat(500)],
  ["illFormed", "a\ufffdb"],
  ["withASecret", `${"x".repeat(495)}[secr`],
])("a PublicError thrown %s is the reason", async (how, reason) => {
  expect(await under.run("speaks", { how })).toEqual({ ...FAILED, reason });
});

test.each(["privately", "underItsName", "withoutText", "trapped", "asText", "asNothing"])(
  "what is thrown %s is no reason",
  async (how) => {
    expect(await under.run("speaks", { how })).toEqual(FAILED);
  },
);

test("the log has the cause of a PublicError, and its stack", async () => {
  await under.run("speaks", { how: "withACause" });
  const { reason } = under.heard.failures.at(-1) ?? {};
  expect(reason).toMatch(/^PublicError: the card was declined\n +at .*\[cause\]: Error: code 51/s);
});
