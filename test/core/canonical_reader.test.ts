import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../../src/core/bytes.ts";
import { canonicalNode } from "../../src/core/json/canonical_json.ts";
import { readMembers } from "../../src/core/json/canonical_reader.ts";
import { Refusal } from "../../src/core/errors.ts";
import { parseIJson } from "../../src/core/json/json.ts";
import { NESTING_DEPTH_MAX } from "../../src/core/limits.ts";
import { codeOf } from "../support/refusals.ts";

type Read = readonly { readonly name: string; readonly canonical: string }[] | null;

/** What the parser with a tree makes of a text: members with canonical values, null, or a code. */
function expected(bytes: Uint8Array): Read | string {
  try {
    const node = parseIJson(bytes);
    if (node.kind !== "object") return null;
    return node.members.map(([name, value]) => ({ name, canonical: canonicalNode(value) }));
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error);
  }
}

function actual(bytes: Uint8Array): Read | string {
  try {
    const members = readMembers(bytes);
    return members?.map(({ name, canonical }) => ({
      name,
      canonical: utf8Decode(canonical) ?? "",
    })) ??
      null;
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error);
  }
}

const oddNumber = fc.constantFrom(
  ..."0 -0 00 0.0 -0.0 1.0 1.50 0.1 100 1e0 1E+2 1e-7 1e21 1e400 1e-400 -1e-400 0e5 1.5e300".split(
    " ",
  ),
  ..."9007199254740991 9007199254740992 123456789012345 1234567890123456 0.000001 0.0000001".split(
    " ",
  ),
  ..."12345678901234.5 123456789012.345 999999999999999.9 5e-324 1. .5 + - 01 1e 0x1 --1 1-1".split(
    " ",
  ),
);
const oddText = fc.constantFrom(
  ...[
    '""',
    '"a"',
    '"\\u0061"',
    '"\\n"',
    '"\\u000a"',
    '"\\u001f"',
    '"\\/"',
    '"\\""',
    '"\\\\"',
    '"\\u00e9"',
  ],
  ...[
    '"é"',
    '"\\ud83d\\ude00"',
    '"😀"',
    '"\\ud83d"',
    '"\\ude00"',
    '"\\ud83d\\u0041"',
    '"\\ud83dx"',
  ],
  ...[
    '"\uffff"',
    '"\\uffff"',
    '"\ufdd0"',
    '"\u{1ffff}"',
    '"\\ud83f\\udfff"',
    '"\ue000"',
    '"\uff5e"',
  ],
  ...['"\u007f"', '"\t"', '"\\x"', '"\\u12"', '"', '"~"', '"!"', '"a!"', '"\u2028"', '"__proto__"'],
);
const space = fc.constantFrom("", "", "", " ", "\n\t", "\r", "\u00a0");
const { value: json } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    oddNumber,
    oddText,
    fc.constantFrom("true", "false", "null", "nul", "truex", "[]", "{}", "", "[,]", "{,}"),
    fc.double().map(String),
    fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
    fc.array(fc.tuple(space, tie("value"), space).map((parts) => parts.join("")))
      .map((items) => `[${items.join(",")}]`),
    fc.array(fc.tuple(space, oddText, space, fc.constant(":"), tie("value")).map((p) => p.join("")))
      .map((members) => `{${members.join(",")}}`),
  ),
}));

describe("readMembers() reads what parseIJson() reads, and prints what canonicalNode() prints:", () => {
  test("texts in odd spellings", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(oddText, json), { maxLength: 4 }), (members) => {
        const text = `{${members.map(([key, value]) => `${key}:${value}`).join(",")}}`;
        const bytes = utf8Encode(text);
        expect(actual(bytes)).toEqual(expected(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  test("values that are no object", () => {
    fc.assert(fc.property(json, (text) => {
      const bytes = utf8Encode(text);
      expect(actual(bytes)).toEqual(expected(bytes));
    }));
  });

  test("texts with a byte changed", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.nat(255), (text, at, byte) => {
        const bytes = utf8Encode(`{"a":${text}}`);
        bytes[at % bytes.length] = byte;
        expect(actual(bytes)).toEqual(expected(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("doubles of every size", () => {
    fc.assert(fc.property(
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger()),
      fc.nat(20),
      (number, digits) => {
        const bytes = utf8Encode(`{"a":[${number},${number.toPrecision(digits + 1)}]}`);
        expect(actual(bytes)).toEqual(expected(bytes));
      },
    ));
  });

  test("keys that sort otherwise as UTF-8 than as UTF-16", () => {
    const keys = [
      "\ue000",
      "\u{10000}",
      "\uff5e",
      "\ud7ff",
      "z",
      '"',
      "\\",
      "\n",
      "\u001f",
      "",
      "a",
      "aa",
    ];
    fc.assert(fc.property(fc.shuffledSubarray(keys), (some) => {
      const object = some.map((key) => `${JSON.stringify(key)}:{"k":1}`).join(",");
      const bytes = utf8Encode(`{"a":{${object}}}`);
      expect(actual(bytes)).toEqual(expected(bytes));
    }));
  });

  test("large values", () => {
    const many = Array.from({ length: 5000 }, (_, i) => `"k${(i * 7919) % 5003}":${i}e${i % 9}`);
    const bytes = utf8Encode(`{"a":{${many.join(",")}},"b":"${"é\\n".repeat(5000)}"}`);
    expect(actual(bytes)).toEqual(expected(bytes));
  });
});

test("readMembers() gives each member as it was written", () => {
  const [member] = readMembers(utf8Encode('{ "a" : {"b" :1.0 , "a":2} }')) ?? [];
  expect(utf8Decode(member?.written ?? new Uint8Array())).toBe('{"b" :1.0 , "a":2}');
  expect(utf8Decode(member?.canonical ?? new Uint8Array())).toBe('{"a":2,"b":1}');
});

test("readMembers() stops at the depth at which parseIJson() stops", () => {
  const nested = (depth: number) => utf8Encode(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
  expect(readMembers(nested(NESTING_DEPTH_MAX - 1))).toHaveLength(1);
  expect(codeOf(() => readMembers(nested(NESTING_DEPTH_MAX)))).toBe("request_malformed");
});
