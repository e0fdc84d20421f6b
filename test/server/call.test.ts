import { expect, test } from "vitest";
import { parseQuery } from "../../src/server/call.ts";
import { codeOf } from "../support/refusals.ts";

test("a query is read literally, and strictly", () => {
  expect([...parseQuery("", [])]).toEqual([]);
  expect([...parseQuery("a=1+%2B%20=&b", ["a", "b"])]).toEqual([["a", "1++ ="], ["b", ""]]);
  for (const query of ["a=1&a=2", "c=1", "a=%", "a=%c3", "&", "a=1&", "%61=1&a=2"]) {
    expect(codeOf(() => parseQuery(query, ["a", "b"]))).toBe("request_malformed");
  }
});
