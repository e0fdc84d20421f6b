import { expect, test } from "vitest";
import {
  anyOf,
  array,
  list,
  members,
  object,
  oneOf,
  open,
  optional,
  pair,
  record,
  where,
} from "../../src/core/shape.ts";

const string = (value: unknown): value is string => typeof value === "string";
const shape = object({ a: string, b: optional(string), c: optional(oneOf(true)), d: string });

test.each([
  { a: "", d: "" },
  { a: "", b: "", d: "" },
  { a: "", c: true, d: "" },
  { a: "", b: "", c: true, d: "" },
])("accepts %j", (value) => expect(shape(value)).toBe(true));

test.each([
  ["a member is missing", { a: "" }],
  ["the first is missing", { d: "" }],
  ["one is not as it should be", { a: "", d: 1 }],
  ["an optional one is not as it should be", { a: "", b: null, d: "" }],
  ["an optional one is there and undefined", { a: "", b: undefined, d: "" }],
  ["there is another", { a: "", d: "", e: "" }],
  ["there is another in between", { a: "", aa: "", d: "" }],
  ["there is one called __proto__", JSON.parse('{"__proto__":"","a":"","d":""}')],
  ["they are in another order", { d: "", a: "" }],
  ["optional ones are in another order", { a: "", c: true, b: "", d: "" }],
  ["it is a list", ["", ""]],
  ["it is null", null],
  ["it is a text", "ad"],
])("refuses an object when %s", (_, value) => expect(shape(value)).toBe(false));

test("a shape whose members are not in order cannot be made", () => {
  expect(() => object({ b: string, a: string })).toThrow(RangeError);
});

test("a list has at least one item, and each is as it should be", () => {
  const texts = list(string);
  expect([[], ["a"], ["a", 1], "a"].map(texts)).toEqual([false, true, false, false]);
});

test("a record has names in order, each with its value", () => {
  const lower = record((name) => /^[a-z]+$/.test(name), string);
  const values = [{}, { a: "", b: "" }, { b: "", a: "" }, { A: "" }, { a: 1 }, [], null];
  expect(values.map(lower)).toEqual([true, true, false, false, false, false, false]);
});

test("a guard may ask for more", () => {
  const short = where(string, (value) => value.length < 3);
  expect(["ab", "abc", 1].map(short)).toEqual([true, false, false]);
});

test("members are taken in any order, all of them and no other", () => {
  const point = members({ x: string, y: string });
  expect([{ x: "", y: "" }, { y: "", x: "" }].map(point)).toEqual([true, true]);
  const others = [
    { x: "" },
    { x: "", y: 1 },
    { x: "", y: "", z: "" },
    JSON.parse('{"__proto__":"","x":"","y":""}'),
  ];
  expect([...others, { x: "", constructor: "" }, ["", ""], null].some(point)).toBe(false);
});

test("members may be optional in any order too", () => {
  const point = members({ x: string, y: optional(string) });
  expect([{ x: "" }, { y: "", x: "" }].map(point)).toEqual([true, true]);
  const others = [{ y: "" }, { x: "", y: 1 }, { x: "", y: undefined }, { x: "", z: "" }];
  expect(others.some(point)).toBe(false);
});

test("arrays may be empty, a pair has two values, and one guard of several is enough", () => {
  expect([[], ["a"], ["a", 1], "a"].map(array(string))).toEqual([true, true, false, false]);
  const named = pair(string, array(string));
  expect([["a", []], ["a"], ["a", [], 1], [[], "a"], "ab"].map(named)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
  const either = anyOf(string, oneOf(true));
  expect(["", true, false, 1].map(either)).toEqual([true, true, false, false]);
});

test("an open shape looks at its own members in any order, and at no other", () => {
  const point = open({ x: string, y: optional(string) });
  expect([{ x: "" }, { y: "", x: "" }, { x: "", z: 1 }].map(point)).toEqual([true, true, true]);
  const refused = [
    {},
    { y: "" },
    { x: 1 },
    { x: "", y: undefined },
    Object.create({ x: "" }),
    null,
  ];
  expect(refused.map(point)).toEqual(refused.map(() => false));
});
