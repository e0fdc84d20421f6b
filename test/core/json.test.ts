import { describe, expect, test } from "vitest";
import { utf8Encode } from "../../src/core/bytes.ts";
import {
  type JsonNode,
  memberOf,
  parseCanonical,
  parseIJson,
  toValue,
} from "../../src/core/json/json.ts";
import { NESTING_DEPTH_MAX } from "../../src/core/limits.ts";
import { codeOf } from "../support/refusals.ts";

const MANY = Array.from({ length: 100 }, (_, i) => `"k${i}":${i}`).join(",");

describe("parseIJson() refuses as payload_not_i_json what is JSON but not I-JSON:", () => {
  test.each([
    ["a key twice", '{"a":1,"a":1}'],
    ["a key twice, once spelled with an escape", '{"a":1,"\\u0061":1}'],
    ["a key twice, deep down", '[{"x":[{"a":1,"b":2,"a":3}]}]'],
    ["a key twice, far apart in a large object", `{${MANY},"k0":0}`],
    ["a key twice in a large object, by escape", `{${MANY},"\\u006b99":0}`],
    ["__proto__ twice", '{"__proto__":1,"__proto__":2}'],
    ["the empty key twice", '{"":1,"":2}'],
    ["a lone high surrogate", '"\\ud800"'],
    ["a lone low surrogate", '"\\udc00"'],
    ["surrogates in the wrong order", '"\\udc00\\ud800"'],
    ["a lone surrogate in a key", '{"\\udfff":1}'],
    ["a lone surrogate that is not escaped", '"\ud800"'],
    ["a noncharacter", '"\uffff"'],
    ["an escaped noncharacter of the last plane", '"\\udbff\\udfff"'],
    ["2^53", "9007199254740992"],
    ["-2^53", "-9007199254740992"],
    ["an integer of a thousand digits", "1".repeat(1000)],
    ["a number past the double range", "[1e400]"],
    ["a number past the double range, below", "[-1.8e308]"],
    ["a number that would become 0", "[1e-400]"],
    ["a number that would become minus 0", "[-0.1e-400]"],
    ["a small number written at length", `[0.${"0".repeat(400)}1]`],
  ])("%s", (_, text) => {
    expect(codeOf(() => parseIJson(text))).toBe("payload_not_i_json");
  });
});

describe("parseIJson() refuses as request_malformed what is not JSON:", () => {
  test.each([
    ["nothing", ""],
    ["white space", " \n"],
    ["a byte-order mark", '\ufeff{"a":1}'],
    ["text after the value", "{} {}"],
    ["a comma too many in an object", '{"a":1,}'],
    ["a comma too many in an array", "[1,]"],
    ["no comma", "[1 2]"],
    ["an unfinished object", '{"a":1'],
    ["an unfinished array", "[1"],
    ["an unfinished string", '"abc'],
    ["an unfinished escape", '"\\'],
    ["an unknown escape", '"\\x41"'],
    ["a short \\u escape", '"\\u12"'],
    ["a \\u escape with a sign", '"\\u+123"'],
    ["a control character in a string", '"a\nb"'],
    ["a NUL in a string", '"a\u0000b"'],
    ["a NUL after the value", "{}\u0000"],
    ["a key without quotes", "{a:1}"],
    ["single quotes", "{'a':1}"],
    ["a leading zero", "[01]"],
    ["a leading plus", "[+1]"],
    ["a number without digits", "[-]"],
    ["a fraction without digits", "[1.]"],
    ["a number that starts with a point", "[.5]"],
    ["hexadecimal", "[0x10]"],
    ["NaN", "NaN"],
    ["a word in capitals", "[True]"],
    ["white space that JSON does not know", "[1,\u00a02]"],
    ["a comment", "[1/*2*/]"],
    ["a key twice in what is no JSON further on", '{"a":1,"a":1'],
    ["2^53 in what is no JSON further on", "[9007199254740992,]"],
  ])("%s", (_, text) => {
    expect(codeOf(() => parseIJson(text))).toBe("request_malformed");
  });

  test.each([
    ["an overlong encoding", [0x22, 0xc0, 0x80, 0x22]],
    ["a surrogate in UTF-8", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a truncated sequence", [0x22, 0xe2, 0x82, 0x22]],
    ["UTF-16", [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
    ["a UTF-8 byte-order mark", [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])("%s", (_, bytes) => {
    expect(codeOf(() => parseIJson(Uint8Array.from(bytes)))).toBe("request_malformed");
  });
});

describe("parseIJson() and nesting", () => {
  const nested = (levels: number, open: string, close: string) =>
    open.repeat(levels) + close.repeat(levels);

  test("takes what is as deep as the limit and refuses one level more", () => {
    expect(codeOf(() => parseIJson(nested(NESTING_DEPTH_MAX, "[", "]")))).toBe("ok");
    expect(codeOf(() => parseIJson(nested(NESTING_DEPTH_MAX + 1, "[", "]")))).toBe(
      "request_malformed",
    );
    expect(
      codeOf(() =>
        parseIJson(`${'{"a":'.repeat(NESTING_DEPTH_MAX)}1${"}".repeat(NESTING_DEPTH_MAX)}`)
      ),
    )
      .toBe("ok");
  });

  test.each([["closed", nested(500_000, "[", "]")], ["never closed", "[".repeat(1_000_000)], [
    "after a key twice",
    `{"a":1,"a":${nested(500_000, "[", "]")}}`,
  ]])("survives a million brackets, %s", (_, text) => {
    expect(codeOf(() => parseIJson(text))).toMatch(/^(request_malformed|payload_not_i_json)$/);
  });
});

test("keys chosen to collide in V8's hash tables cost no more than others", () => {
  // a Set of these takes minutes: array indices hash by value, and these differ only above the table's size
  const keys = Array.from({ length: 500_000 }, (_, i) => `"${i * 4096}":0`);
  expect(codeOf(() => parseIJson(`{${keys.join(",")}}`))).toBe("ok");
  expect(codeOf(() => parseIJson(`{${keys.join(",")},"8192":0}`))).toBe("payload_not_i_json");
});

describe("parseIJson() keeps", () => {
  test("numbers as they were written", () => {
    const lexemes = [
      "0",
      "-0",
      "1.0",
      "1e0",
      "1E+2",
      "0.0",
      "-0.0e5",
      "9007199254740991",
      "1e20",
      "5e-324",
    ];
    const node = parseIJson(`[${lexemes.join(" ,\t")}]`);
    const items = node.kind === "array" ? node.items : [];
    expect(items.map((item) => item.kind === "number" ? item.lexeme : undefined)).toEqual(lexemes);
    expect(toValue(node)).toEqual(lexemes.map(Number));
  });

  test("every string that native JSON keeps, escapes included", () => {
    const text = '{"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é😀":"\\u0000\u007f"}';
    expect({ ...Object(toValue(parseIJson(text))) }).toEqual(JSON.parse(text));
    expect(parseIJson(utf8Encode(text))).toEqual(parseIJson(text));
  });

  test("__proto__ and constructor as keys like any other", () => {
    const value = toValue(parseIJson('{"__proto__":{"admin":true},"constructor":1,"toString":2}'));
    expect(Object.keys(Object(value))).toEqual(["__proto__", "constructor", "toString"]);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Reflect.get(Object(value), "admin")).toBeUndefined();
  });

  test("nothing of a prototype where a member is asked for", () => {
    const node: JsonNode = parseIJson('{"a":1}');
    expect(memberOf(node, "a")).toMatchObject({ value: 1 });
    expect(memberOf(node, "constructor")).toBeUndefined();
    expect(memberOf(node, "__proto__")).toBeUndefined();
  });
});

describe("parseCanonical()", () => {
  test("reads back an integer that a double prints, and a noncharacter", () => {
    expect(toValue(parseCanonical('[123456789012345680000,"\uffff"]'))).toEqual([
      123456789012345680000,
      "\uffff",
    ]);
  });

  test.each([["a key twice", '{"a":1,"a":2}'], ["a lone surrogate", '"\\ud800"'], [
    "1e400",
    "1e400",
  ]])(
    "refuses %s",
    (_, text) => expect(codeOf(() => parseCanonical(text))).toBe("payload_not_i_json"),
  );
});
