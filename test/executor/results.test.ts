/** What becomes of a handler's result: JSON as the handler meant it, or result_invalid. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { parseIJson, toValue } from "../../src/core/json/json.ts";
import { handler, PoolUnderTest } from "./pool_under_test.ts";

let under: PoolUnderTest;

beforeAll(async () => {
  under = await PoolUnderTest.start({
    results: handler("results.ts"),
    strict: handler("strict.ts"),
  });
});

afterAll(() => under.close());

test.each([
  "nothing",
  "function",
  "memberFunction",
  "symbol",
  "bigint",
  "memberBigint",
  "nan",
  "infinity",
  "cycle",
  "tooDeep",
  "date",
  "map",
  "instance",
  "bytes",
  "regexp",
  "hole",
  "loneSurrogate",
  "loneSurrogateKey",
  "ownToJson",
  "boxed",
  "hugeString",
  "manyItems",
  "tooManyBytes",
  "endlessGetters",
])("a result that is %s is result_invalid", async (result) => {
  expect(await under.run("results", { result })).toEqual({
    status: "failed",
    code: "result_invalid",
  });
});

test("a result whose traps throw is the handler's failure", async () => {
  expect(await under.run("results", { result: "trapped" })).toEqual({
    status: "failed",
    code: "handler_failed",
  });
});

test.each([
  ["undefinedMember", { here: 1 }],
  ["inheritedToJson", { plain: [1, "two", null, true] }],
  ["largeIntegers", [2 ** 53, 1e20, 1e21, -(2 ** 60), Number.MAX_SAFE_INTEGER, 0, 0.1, 5e-324]],
  ["keysLikePrototypes", JSON.parse('{"__proto__":{"x":1},"constructor":2,"toJSON":3}')],
  ["text", '\u0000\u2028"\\\u{1f600}'],
  ["nullPrototype", { a: 1 }],
  ["promised", { a: 1 }],
])("a result that is %s arrives as it was, as I-JSON", async (result, expected) => {
  const outcome = await under.run("results", { result });
  const text = outcome.status === "succeeded" ? outcome.resultText : "";
  expect(JSON.stringify(toValue(parseIJson(text)))).toBe(JSON.stringify(expected));
});

test("a result that does not fit the output schema is result_invalid", async () => {
  expect(await under.run("strict", { give: "a text" })).toEqual({
    status: "failed",
    code: "result_invalid",
  });
  expect(await under.result("strict", { give: 7 })).toBe(7);
});

test("a payload that only the handler's own schema refuses is the handler's failure", async () => {
  expect(await under.run("strict", { give: 7, more: 1 })).toEqual({
    status: "failed",
    code: "handler_failed",
  });
});

test("what a handler throws is kept for the log and not for the caller", async () => {
  const outcome = await under.run("strict", { give: 7, fail: "with these words" });
  expect(outcome).toEqual({ status: "failed", code: "handler_failed" });
  expect(under.heard.failures.at(-1)?.reason).toContain("with these words");
});
