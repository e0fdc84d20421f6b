import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  actionDigest,
  canonicalJson,
  canonicalNode,
  canonicalRequest,
} from "../../src/core/json/canonical_json.ts";
import { parseCanonical, parseIJson, toValue } from "../../src/core/json/json.ts";
import type { Digest } from "../../src/core/types.ts";
import { codeOf } from "../support/refusals.ts";

const key = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("__proto__", "constructor", "", "a", "\u0000"),
);

/** JSON values I-JSON admits; keys a plain object would trip over included. */
const { value: admissible } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(key, tie("value"), { maxKeys: 12, noNullPrototype: false }),
  ),
}));

/** The same value written in other ways: white space, escapes, the order of keys. */
function respell(value: unknown, random: () => number): string {
  const space = () => " \t\n\r".slice(0, Math.floor(random() * 3));
  if (typeof value === "string") {
    const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i));
    return `"${
      units.map((unit) =>
        random() < 0.3 || unit < 32 || unit === 34 || unit === 92
          ? `\\u${unit.toString(16).padStart(4, "0")}`
          : String.fromCharCode(unit)
      ).join("")
    }"`;
  }
  if (Array.isArray(value)) {
    return `[${space()}${
      value.map((item) => respell(item, random)).join(`${space()},${space()}`)
    }]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toReversed();
  return `{${
    members.map(([name, item]) =>
      `${space()}${respell(name, random)}${space()}:${respell(item, random)}`
    )
      .join(",")
  }${space()}}`;
}

function digest(text: string): Digest {
  return actionDigest(canonicalRequest("echo", parseIJson(text)));
}

describe("canonical JSON", () => {
  test("canonicalise, parse, canonicalise is the identity", () => {
    fc.assert(
      fc.property(fc.oneof(admissible, fc.jsonValue()), (value) => {
        const canonical = canonicalNode(parseCanonical(JSON.stringify(value)));
        expect(canonicalNode(parseCanonical(canonical))).toBe(canonical);
        expect(canonicalJson(toValue(parseCanonical(canonical)))).toBe(canonical);
        expect(canonical).toBe(canonicalize(value));
      }),
      { numRuns: 2000 },
    );
  });

  test("another spelling of a value has the same digest, and another value has another", () => {
    fc.assert(
      fc.property(
        admissible,
        admissible,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999 })),
        (one, two, stream) => {
          const random = () => Number(stream.next().value);
          expect(digest(respell(one, random))).toBe(digest(JSON.stringify(one)));
          expect(digest(JSON.stringify(one)) === digest(JSON.stringify(two))).toBe(
            canonicalize(one) === canonicalize(two),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });
});

/** Texts that native JSON reads, but that two readers may read differently. */
const FLAWS = [
  '{"a":1,"a":2}',
  '{"\\u0061":1,"a":1}',
  '"\\ud800"',
  "9007199254740993",
  "1e400",
  "1e-400",
  '"\uffff"',
];

test("accepted and refused JSON never share a digest: what is refused is never digested", () => {
  fc.assert(
    fc.property(admissible, fc.constantFrom(...FLAWS), fc.nat(), (value, flaw, at) => {
      const text = JSON.stringify({ value, slot: "SLOT" });
      expect(codeOf(() => digest(text))).toBe("ok");
      const flawed = at % 2 === 0 ? text.replace('"SLOT"', () => flaw) : `[${flaw},${text}]`;
      expect(() => JSON.parse(flawed)).not.toThrow(); // a lenient reader would go on to a digest
      expect(codeOf(() => digest(flawed))).toBe("payload_not_i_json");
    }),
    { numRuns: 1000 },
  );
});
