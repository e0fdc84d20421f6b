import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIJson } from "../../src/core/json/json.ts";
import { pythonJson, type PythonStyle } from "../../src/core/json/python_json.ts";

const print = (text: string, style: PythonStyle = "compact") => pythonJson(parseIJson(text), style);

describe("pythonJson()", () => {
  test.each([
    [
      "integers and floats by how they were written",
      "[1,1.0,1e0,-0,-0.0,0.0]",
      "[1,1.0,1.0,0,-0.0,0.0]",
    ],
    [
      "an exponent from 1e16 on",
      "[1e15,1e16,123456789012345678.0]",
      "[1000000000000000.0,1e+16,1.2345678901234568e+17]",
    ],
    ["an exponent below 1e-4", "[0.0001,0.00001,1.5e-7]", "[0.0001,1e-05,1.5e-07]"],
    ["the extremes", "[5e-324,1.7976931348623157e308]", "[5e-324,1.7976931348623157e+308]"],
    [
      "escapes",
      '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\\u007f"',
      '"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\\u007f"',
    ],
    ["non-ASCII as escapes, astral characters as two", '"é日😀"', '"\\u00e9\\u65e5\\ud83d\\ude00"'],
    [
      "keys by code point",
      '{"\\ud83d\\ude00":1,"\\ufb33":2,"a":3}',
      '{"a":3,"\\ufb33":2,"\\ud83d\\ude00":1}',
    ],
    ["literals", "[true,false,null]", "[true,false,null]"],
    ["empty containers", '{"a":[],"b":{}}', '{"a":[],"b":{}}'],
  ])("prints %s", (_, text, expected) => {
    expect(print(text)).toBe(expected);
  });

  test("puts spaces after commas and colons in the default style", () => {
    expect(print('{"b":[1,2],"a":{}}', "default")).toBe('{"a": {}, "b": [1, 2]}');
  });
});

/** From file to file: as pipes, 2,000 texts in and 4,000 out would wait for each other. */
const SCRIPT = `
import json, sys
with open(sys.argv[1]) as texts, open(sys.argv[2], "w") as printed:
    for line in texts:
        value = json.loads(line)
        print(json.dumps(value, sort_keys=True, separators=(",", ":")), file=printed)
        print(json.dumps(value, sort_keys=True), file=printed)
`;
const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** JSON texts whose numbers are written in every way there is. */
const lexeme = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toExponential()),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e20, max: 1e20 }).map((value) =>
    `${value}`
  ),
  fc.integer().map((value) => `${value}.0`),
  fc.constantFrom("0", "-0", "-0.0", "1E5", "1e-5", "1e16", "0.0001"),
).filter((text) => Number.isSafeInteger(Number(text)) || /[.e]/.test(text));
const string = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text));
const { text: jsonText } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: "small" },
    lexeme,
    string,
    fc.constantFrom("true", "false", "null"),
    fc.array(tie("text"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    fc.uniqueArray(fc.tuple(string, tie("text")), { maxLength: 4, selector: ([key]) => key })
      .map((members) => `{${members.map(([key, value]) => `${key}:${value}`).join(",")}}`),
  ),
}));

test.skipIf(!hasPython)("prints what Python prints, 2,000 texts (needs python3)", () => {
  const texts = fc.sample(jsonText, 2500).filter((text) => {
    try {
      return parseIJson(text) !== undefined;
    } catch {
      return false;
    }
  }).slice(0, 2000);
  const folder = mkdtempSync(`${tmpdir()}/openexec-python-`);
  writeFileSync(`${folder}/texts`, texts.join("\n"));
  const python = spawnSync("python3", ["-c", SCRIPT, `${folder}/texts`, `${folder}/printed`]);
  expect(python.status).toBe(0);
  const printed = readFileSync(`${folder}/printed`, "utf8").trimEnd().split("\n");
  rmSync(folder, { recursive: true });
  expect(texts.length).toBe(2000);
  expect(printed).toEqual(texts.flatMap((text) => [print(text), print(text, "default")]));
});
