import fc from "fast-check";
import { expect, test } from "vitest";
import {
  faultOf,
  fieldsOf,
  idempotencyKey,
  preferredWaitMs,
  traceparent,
} from "../../src/server/head.ts";
import { codeOf } from "../support/refusals.ts";

const key = (...values: string[]) => idempotencyKey(new Map([["idempotency-key", values]]));
const wait = (...values: string[]) => preferredWaitMs(new Map([["prefer", values]]), 300);
const trace = (...values: string[]) => traceparent(new Map([["traceparent", values]]));

test("raw fields are kept by name in lower case, and the values of one in their order", () => {
  expect(fieldsOf(["Host", "x", "A", "b", "a", "c"])).toEqual(
    new Map([["host", ["x"]], ["a", ["b", "c"]]]),
  );
});

test("an Idempotency-Key is one quoted string of RFC 8941", () => {
  expect(key()).toBeNull();
  expect(key('"n-1"')).toBe("n-1");
  expect(key('  "n-1" ')).toBe("n-1");
  expect(key('"a\\"b\\\\c"')).toBe('a"b\\c');
  expect(key(`"${"x".repeat(255)}"`)).toHaveLength(255);
});

test.each([
  ["n-1"],
  [""],
  ['""'],
  ["'n-1'"],
  ['"n-1'],
  ['n-1"'],
  ['"n"1"'],
  ['"n-1";a=1'],
  ['"n-1", "n-1"'],
  ['"n 1"'],
  ['"n\t1"'],
  ['"n\\-1"'],
  ['"n-1\\"'],
  ['"\u00e9"'],
  ['"\u007f"'],
  [":bi0x:"],
  ["?1"],
  ['\t"n-1"'],
  [`"${"x".repeat(256)}"`],
])("%j is no Idempotency-Key", (value) => {
  expect(codeOf(() => key(value))).toBe("request_malformed");
});

test("two Idempotency-Keys are none, even when they agree", () => {
  expect(codeOf(() => key('"n-1"', '"n-1"'))).toBe("request_malformed");
});

test("every nonce can be written as an Idempotency-Key and is read back", () => {
  const nonce = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 255,
  });
  fc.assert(fc.property(nonce, (text) => key(`"${text.replaceAll(/["\\]/g, "\\$&")}"`) === text));
});

test.each([
  [["wait=5"], 5000],
  [["WAIT = 5"], 5000],
  [['wait="5"'], 5000],
  [["respond-async, wait=5; x=y"], 5000],
  [["respond-async", "wait=7"], 7000],
  [["wait=3, wait=9"], 3000],
  [["wait=999999999"], 300_000],
  [["wait=-1"], 0],
  [["wait=1.5"], 0],
  [["wait"], 0],
  [["wait=9999999999"], 0],
  [['wait="5'], 0],
  [["handling=lenient"], 0],
  [[], 0],
])("Prefer: %j waits %i ms", (values, milliseconds) => {
  expect(wait(...values)).toBe(milliseconds);
});

const ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

test.each([
  [`00-${ID}-${PARENT}-01`, `00-${ID}-${PARENT}-01`],
  [` 00-${ID}-${PARENT}-00 `, `00-${ID}-${PARENT}-00`],
  [`01-${ID}-${PARENT}-01-what-the-future-brings`, `01-${ID}-${PARENT}-01`],
  [`00-${ID}-${PARENT}-01-more`, null],
  [`ff-${ID}-${PARENT}-01`, null],
  [`00-${"0".repeat(32)}-${PARENT}-01`, null],
  [`00-${ID}-${"0".repeat(16)}-01`, null],
  [`00-${ID.toUpperCase()}-${PARENT}-01`, null],
  [`00-${ID}-${PARENT}`, null],
  [`00-${ID}${PARENT}-01`, null],
  ["", null],
])("traceparent %j is kept as %j", (value, kept) => {
  expect(trace(value)).toBe(kept);
});

test("no traceparent, or two, are none", () => {
  expect(trace()).toBeNull();
  expect(trace(`00-${ID}-${PARENT}-01`, `00-${ID}-${PARENT}-01`)).toBeNull();
});

function fault(fields: readonly string[], httpVersion = "1.1", target = "/") {
  return faultOf({ httpVersion, target, fields: fieldsOf(fields) })?.code ?? null;
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

test.each(["", "*", "x:80", "http://x/", "//\u00e9", "/a#b", "/a b", "/\u007f"])(
  "target %j is a fault",
  (target) => {
    expect(fault(["Host", "x"], "1.1", target)).toBe("request_malformed");
  },
);
