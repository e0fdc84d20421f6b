import { parse, stringify, TomlDate } from "smol-toml";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError } from "../../src/config/config_error.ts";
import { keyText, parseDocument, UnsupportedValue } from "../../src/config/toml.ts";
import { load } from "./loading.ts";

const EXAMPLE = Deno.readTextFileSync(new URL("../../examples/openexec.toml", import.meta.url));

/** Parses with another TOML parser, and gives values that no setting has our names. */
function elsewhere(text: string): unknown {
  return plain(parse(text, { integersAsBigInt: true }));
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return new UnsupportedValue("float");
  if (value instanceof TomlDate) {
    return value.isDateTime() && !value.isLocal()
      ? new Date(value.getTime())
      : new UnsupportedValue("date or time without offset");
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.assign(
      Object.create(null),
      Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)])),
    );
  }
  return value;
}

test("parseDocument() reads the example as another parser does", () => {
  expect(parseDocument("f", EXAMPLE).value).toEqual(elsewhere(EXAMPLE));
});

const name = fc.string({ minLength: 1 }).filter((text) =>
  !(text in Object.prototype) && text !== "prototype"
);
const scalar = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
  fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
);
const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
  table: fc.dictionary(name, tie("value"), { maxKeys: 4 }),
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    tie("table"),
    fc.array(tie("table"), { maxLength: 3 }),
  ),
}));

test("parseDocument() reads every document as another parser does", () => {
  fc.assert(fc.property(table, (value) => {
    const text = stringify(value);
    expect(parseDocument("f", text).value).toEqual(elsewhere(text));
  }));
});

test("lineOf() is the line of the deepest part of a path that the file has", () => {
  const text = [
    'a.b = "x"', // 1
    "list = [", // 2
    "  1,", // 3
    "  { c = 2 },", // 4
    "]", // 5
    "[t.u]", // 6
    "k = 1", // 7
    "[[r]]", // 8
    "[[r]]", // 9
    'multi = """', // 10
    'line"""', // 11
    "[r.s]", // 12
    "[t]", // 13
  ].join("\n");
  const { lineOf } = parseDocument("f", text);
  expect(lineOf([])).toBe(1);
  expect(lineOf(["a", "b"])).toBe(1);
  expect(lineOf(["a", "b", "deeper"])).toBe(1);
  expect(lineOf(["list"])).toBe(2);
  expect(lineOf(["list", 0])).toBe(3);
  expect(lineOf(["list", 1, "c"])).toBe(4);
  expect(lineOf(["t", "u", "k"])).toBe(7);
  expect(lineOf(["t", "u", "missing"])).toBe(6);
  expect(lineOf(["r", 0])).toBe(8);
  expect(lineOf(["r", 1, "multi"])).toBe(10);
  expect(lineOf(["r", 1, "s"])).toBe(12);
  expect(lineOf(["t"])).toBe(13);
});

test.each(["__proto__", "constructor", "prototype", "hasOwnProperty", "toString"])(
  "parseDocument() refuses the name %s wherever it stands",
  (reserved) => {
    for (
      const text of [
        `${reserved} = 1`,
        `[${reserved}]`,
        `[a.${reserved}.b]`,
        `a = { "${reserved}" = 1 }`,
      ]
    ) {
      expect(() => parseDocument("f", `x = 1\n${text}`)).toThrow(ConfigError);
    }
  },
);

test.each([
  [["a", 0, "b"], "a[0].b"],
  [["a b", "c"], '"a b".c'],
  [["a.b"], '"a.b"'],
  [[], ""],
])("keyText(%j) is %s", (path, text) => {
  expect(keyText(path)).toBe(text);
});

/** The example with pieces cut out, doubled, swapped, or replaced. */
const mutated = fc.array(
  fc.record({
    at: fc.nat(EXAMPLE.length),
    remove: fc.nat(12),
    insert: fc.oneof(
      fc.constant(""),
      fc.string({ maxLength: 6 }),
      fc.constantFrom(
        "\n",
        '"',
        "'''",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        "[[",
        "1.5",
        "inf",
        "true",
        "\u0000",
        "2026-01-01",
      ),
    ),
  }),
  { minLength: 1, maxLength: 5 },
).map((edits) =>
  edits.reduce(
    (text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove),
    EXAMPLE,
  )
);

test("loadConfig() answers any mutation of a good file with a configuration or problems", () => {
  let refused = 0;
  let loaded = 0;
  fc.assert(
    fc.property(mutated, (text) => {
      try {
        load(text);
        loaded++;
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        if (!(error instanceof ConfigError)) return;
        const lines = text.split("\n").length;
        expect(error.problems.length).toBeGreaterThan(0);
        for (const { line } of error.problems) {
          expect(line === null || (line >= 1 && line <= lines)).toBe(true);
        }
        refused++;
      }
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(0);
  expect(loaded).toBeGreaterThan(0);
});
