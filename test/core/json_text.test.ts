import { textOf } from "../../src/core/bytes.ts";
import { JsonText, printJson } from "../../src/core/json/json_text.ts";
import { expect, test } from "vitest";

test("texts are printed as they are, wherever they stand", () => {
  const texts = ['{"b":1,"a":2}', '"a \\"quoted\\" text"', "1e+21", "null", "[]"].map((text) =>
    new JsonText(text)
  );
  const value = { result: texts[0] ?? null, list: texts, "a name": "a value", none: null };
  expect(printJson(value)).toBe(
    '{"result":{"b":1,"a":2},"list":[{"b":1,"a":2},"a \\"quoted\\" text",1e+21,null,[]],' +
      '"a name":"a value","none":null}\n',
  );
});

test("anything else prints a text as the value that it is", () => {
  expect(JSON.stringify({ result: new JsonText('{"b":1, "a":2}') })).toBe(
    '{"result":{"b":1,"a":2}}',
  );
});

test("a value without texts is printed as JSON.stringify() prints it", () => {
  const value = { a: [1, "two", null, { b: true }] };
  expect(printJson(value)).toBe(`${JSON.stringify(value)}\n`);
});

test("a long text stays the bytes that it is, and so is what is printed around it", () => {
  const long = `"${"é".repeat(10_000)}"`;
  const bytes = new TextEncoder().encode(long);
  expect(textOf(bytes)).toBe(bytes);
  expect(textOf(new TextEncoder().encode('"é"'))).toBe('"é"');
  expect(textOf(Uint8Array.of(0xff))).toBeUndefined();
  const value = { a: "ü", b: new JsonText(bytes), c: new JsonText("1") };
  expect(printJson(value)).toEqual(new TextEncoder().encode(`{"a":"ü","b":${long},"c":1}\n`));
  expect(JSON.stringify(value)).toBe(`{"a":"ü","b":${long},"c":1}`);
});
