/** The actions that come with openexec. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canonicalNode } from "../../src/core/json/canonical_json.ts";
import { parseCanonical, parseIJson } from "../../src/core/json/json.ts";
import { ECHO, PoolUnderTest } from "../executor/pool_under_test.ts";

let under: PoolUnderTest;

beforeAll(async () => {
  under = await PoolUnderTest.start({ echo: ECHO, add: { ...ECHO, module: { builtin: "add" } } });
});

afterAll(() => under.close());

test("echo gives back any payload as it came", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()),
      async (payload) => {
        const text = JSON.stringify(payload);
        const outcome = await under.run("echo", JSON.parse(text));
        const resultText = outcome.status === "succeeded" ? outcome.resultText : "";
        expect(canonicalNode(parseIJson(resultText))).toBe(canonicalNode(parseCanonical(text)));
      },
    ),
    { numRuns: 200 },
  );
});

test("echo keeps keys that objects are born with", async () => {
  const payload = JSON.parse('{"__proto__":{"a":1},"constructor":"b","toJSON":null}');
  const outcome = await under.run("echo", payload);
  expect(outcome).toEqual({ status: "succeeded", resultText: JSON.stringify(payload) });
});

test("add adds", async () => {
  expect(await under.result("add", { a: 1, b: 2.5 })).toEqual({ result: 3.5 });
});

test.each([[{ a: 1 }], [{ a: 1, b: "2" }], [{ a: 1, b: 2, c: 3 }], [{}]])(
  "add takes no %j",
  async (payload) => {
    expect(await under.run("add", payload)).toMatchObject({ code: "handler_failed" });
  },
);

test("a sum that JSON cannot say is result_invalid", async () => {
  expect(await under.run("add", { a: 1.7e308, b: 1.7e308 })).toMatchObject({
    code: "result_invalid",
  });
});

test("their schemas are what GET /actions shows", () => {
  expect(under.pool.actions.get("add")?.inputSchema).toMatchObject({
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
    additionalProperties: false,
  });
});
