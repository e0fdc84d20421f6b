import { expect, test } from "vitest";
import * as v from "valibot";
import { expectationOf } from "../../src/executor/child/reasons.ts";

const LINE = v.strictObject({ cents: v.pipe(v.number(), v.integer(), v.maxValue(100)) });
const SECRET = "sk_live_4711";

test.each<[v.GenericSchema, unknown, string]>([
  [v.strictObject({ a: v.number(), b: v.number() }), { a: 1 }, '"b", which is missing'],
  [v.strictObject({ order: LINE }), { order: {} }, '"order.cents", which is missing'],
  [v.strictObject({ a: v.number() }), { a: SECRET }, 'number at "a"'],
  [
    v.strictObject({ a: v.number(), b: v.string() }),
    { a: 1, b: "", [SECRET]: 2 },
    'no members but "a", "b" at the top',
  ],
  [v.strictObject({}), { [SECRET]: 2 }, "no members but none at the top"],
  [
    v.objectWithRest({ a: v.number() }, v.never()),
    { a: 1, [SECRET]: 2 },
    'no members but "a" at the top',
  ],
  [v.strictObject({ to: v.picklist(["a", "b"]) }), { to: SECRET }, '("a" | "b") at "to"'],
  [
    v.strictObject({ id: v.pipe(v.string(), v.regex(/^inv_/)) }),
    { id: SECRET },
    'regex /^inv_/ at "id"',
  ],
  [
    v.strictObject({ id: v.pipe(v.string(), v.maxLength(3)) }),
    { id: SECRET },
    'max length <=3 at "id"',
  ],
  [v.strictObject({ mail: v.pipe(v.string(), v.email()) }), { mail: SECRET }, 'email at "mail"'],
  [
    v.strictObject({ lines: v.optional(v.array(LINE)) }),
    { lines: [{ cents: 1 }, { cents: 1.5 }] },
    'integer at "lines.1.cents"',
  ],
  [v.record(v.string(), v.number()), { [SECRET]: SECRET }, 'number at "*"'],
  [v.union([LINE, v.string()]), { [SECRET]: 1 }, "(Object | string) at the top"],
  [
    v.variant("k", [v.strictObject({ k: v.literal("x"), a: v.number() })]),
    { k: "x" },
    '"a", which is missing',
  ],
  [v.strictTuple([v.number()]), [1, SECRET], 'never at "1"'],
])(
  "expectationOf() says what is expected and where, and nothing of the value (%#)",
  (schema, value, said) => {
    const { issues } = v.safeParse(schema, value);
    expect(issues && expectationOf(schema, issues)).toBe(said);
  },
);
