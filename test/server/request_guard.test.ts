import { expect, test } from "vitest";
import { fieldLines } from "../../src/server/head.ts";
import { parseQuery } from "../../src/server/query.ts";
import { faultOf } from "../../src/server/request_guard.ts";
import { codeOf } from "../support/refusals.ts";

function fault(fields: readonly string[], httpVersion = "1.1", target = "/") {
  return faultOf({ httpVersion, target, fields: fieldLines(fields) })?.code ?? null;
}

test.each([
  [["Host", "localhost"]],
  [["Host", ""]],
  [["Host", "[::1]:80"]],
  [["Host", "%2Frun%2Fopenexec.sock"]],
  [["Host", "x", "Content-Length", "0"]],
  [["Host", "x", "Transfer-Encoding", "Chunked"]],
  [["Host", "x", "Expect", "100-Continue"]],
  [["Host", "x", "Content-Type", "application/x-www-form-urlencoded"]],
  [["Host", "x", "Content-Type", 'application/json; charset="UTF-8"']],
  [["Host", "x", "Content-Encoding", "identity"]],
  [["Host", "x", "Accept", "a", "Accept", "b"]],
])("%j is no fault", (fields) => {
  expect(fault(fields)).toBeNull();
});

test("HTTP/1.0 needs no Host", () => {
  expect(fault([], "1.0")).toBeNull();
  expect(fault([], "1.1")).toBe("request_malformed");
});

test.each(["1.2", "2.0", "0.9", "3.0", ""])("HTTP/%s is not spoken", (version) => {
  expect(fault(["Host", "x"], version)).toBe("request_malformed");
});

test.each(["", "*", "x:80", "http://x/", "//\u00e9", "/a#b", "/a b", "/\u007f"])(
  "target %j is a fault",
  (target) => {
    expect(fault(["Host", "x"], "1.1", target)).toBe("request_malformed");
  },
);

test("a query is read literally, and strictly", () => {
  expect([...parseQuery("", [])]).toEqual([]);
  expect([...parseQuery("a=1+%2B%20=&b", ["a", "b"])]).toEqual([["a", "1++ ="], ["b", ""]]);
  for (const query of ["a=1&a=2", "c=1", "a=%", "a=%c3", "&", "a=1&", "%61=1&a=2"]) {
    expect(codeOf(() => parseQuery(query, ["a", "b"]))).toBe("request_malformed");
  }
});
