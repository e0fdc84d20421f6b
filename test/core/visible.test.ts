import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pretty } from "../../src/client/shown_payload.ts";
import { marked, visible, visibleAscii } from "../../src/core/visible.ts";

/**
 * What must never reach a terminal, by code point and by name, written down apart from the code
 * that escapes it.
 */
const DECEPTIVE: readonly (readonly [from: number, to: number, what: string])[] = [
  [0x00, 0x1f, "C0 controls"],
  [0x7f, 0x9f, "DEL and C1 controls"],
  [0xa0, 0xa0, "no-break space"],
  [0xad, 0xad, "soft hyphen"],
  [0x34f, 0x34f, "combining grapheme joiner"],
  [0x5d0, 0x5ea, "Hebrew letters"],
  [0x61c, 0x61c, "Arabic letter mark"],
  [0x627, 0x64a, "Arabic letters"],
  [0x115f, 0x1160, "Hangul fillers"],
  [0x1680, 0x1680, "Ogham space"],
  [0x17b4, 0x17b5, "invisible Khmer vowels"],
  [0x180b, 0x180f, "Mongolian variation selectors"],
  [0x2000, 0x200f, "spaces, zero width, marks of direction"],
  [0x2028, 0x202f, "line and paragraph separators, embeddings and overrides"],
  [0x205f, 0x206f, "mathematical space, word joiner, isolates"],
  [0x2800, 0x2800, "blank Braille pattern"],
  [0x3000, 0x3000, "ideographic space"],
  [0x3164, 0x3164, "Hangul filler"],
  [0xd800, 0xdfff, "surrogates"],
  [0xe000, 0xf8ff, "private use"],
  [0xfe00, 0xfe0f, "variation selectors"],
  [0xfeff, 0xfeff, "zero width no-break space"],
  [0xffa0, 0xffa0, "halfwidth Hangul filler"],
  [0xfff9, 0xfffb, "interlinear annotations"],
  [0x1bca0, 0x1bca3, "shorthand format controls"],
  [0x1d173, 0x1d17a, "musical format controls"],
  [0xe0001, 0xe007f, "tags"],
  [0xe0100, 0xe01ef, "variation selectors supplement"],
  [0xf0000, 0xffffd, "private use planes"],
];

const deceptive = fc.constantFrom(...DECEPTIVE).chain(([from, to]) =>
  fc.integer({ min: from, max: to })
)
  .map((code) => String.fromCodePoint(code));
const anything = fc.string({
  unit: fc.oneof(deceptive, fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
});

function isDeceptive(text: string): boolean {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0)
    .some((code) => DECEPTIVE.some(([from, to]) => code >= from && code <= to));
}

describe("visible()", () => {
  test.each(DECEPTIVE)("escapes U+%s to U+%s (%s)", (from, to) => {
    for (const code of [from, to]) {
      expect(visible(`a${String.fromCodePoint(code)}b`)).toMatch(/^a(\\u[0-9a-f]{4}){1,2}b$/);
    }
  });

  test("lets nothing through that controls, hides or reorders", () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(isDeceptive(visible(text))).toBe(false);
        expect(visible(text)).not.toMatch(/\p{C}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    "hello, world!",
    "naïve café",
    "日本語のテキスト",
    "Привет",
    "😀 100 €",
    "Việt",
    "ไทย",
  ])(
    "leaves %j readable",
    (text) => {
      expect(visible(text)).toBe(text);
    },
  );

  test("escapes marks that would draw over what stands before them", () => {
    expect(visible('"\u0338')).toBe('"\\u0338');
    expect(visible("e\u0301\u0302\u0303\u0304")).toBe("e\u0301\u0302\\u0303\\u0304");
  });
});

describe("marked()", () => {
  test.each([
    ["pаypal", "p\\u0430ypal", "a Cyrillic letter in a Latin word"],
    ["сосо", "\\u0441\\u043e\\u0441\\u043e", "a Cyrillic word of twins alone"],
    ["Ꮋ", "\\u13bb", "a Cherokee letter"],
    ["ⲣⲟ", "\\u2ca3\\u2c9f", "a Coptic word"],
    ["ᑭᗅ", "\\u146d\\u15c5", "a word of Canadian syllabics"],
    ["１００", "\\uff11\\uff10\\uff10", "full width digits"],
    ["10৪", "10\\u09ea", "a Bengali digit"],
    ["𝐚", "\\ud835\\udc1a", "a mathematical letter"],
    ["rm ‐rf", "rm \\u2010rf", "a dash that is none"],
    ["a”,b", "a\\u201d,b", "a quotation mark that ends nothing"],
    ["a；b", "a\\uff1bb", "a full width semicolon"],
    ["a│b", "a\\u2502b", "a line of a box"],
    ["a  b", "a\\u0020\\u0020b", "two spaces"],
    ["a\u202eb", "a\\u202eb", "what visible() escapes"],
  ])("marks %j as %s: %s", (text, shown) => {
    expect(marked(text)).toBe(shown);
    expect(JSON.parse(`"${marked(text)}"`)).toBe(text);
  });

  test.each([..."℮ꜱ⍺⍳⍴⍵Ɩƅノ⟋⟍⏐❘⎯〇։⁚"])("marks %s, which passes for one of ASCII", (character) => {
    expect(marked(character)).toMatch(/^\\u[0-9a-f]{4}$/);
  });

  test.each([
    "hello, world!",
    "naïve café",
    "日本語のテキスト",
    "Привет",
    "😀 100 €",
    "Việt",
    "it’s — so",
  ])(
    "leaves %j readable",
    (text) => {
      expect(marked(text)).toBe(text);
    },
  );

  test("shows every pair of spaces, in a text of any length", () => {
    fc.assert(fc.property(fc.nat(300), (count) => {
      const shown = marked(`}${" ".repeat(count)}digest`);
      expect(shown).not.toContain("  ");
      expect(JSON.parse(`"${shown}"`)).toBe(`}${" ".repeat(count)}digest`);
    }));
  });
});

test("visibleAscii() tells letters apart that look alike", () => {
  expect(visibleAscii("pаypal")).toBe("p\\u0430ypal");
  fc.assert(fc.property(anything, (text) => {
    expect(visibleAscii(text)).toMatch(/^[ -~]*$/);
  }));
});

test("pretty() shows all of a value: what it prints parses back to it", () => {
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      anything.map((text) => text.toWellFormed()),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n === 0 ? 0 : n),
      fc.constantFrom(null, true, false),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(anything.map((text) => text.toWellFormed()), tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(fc.property(json, (value) => {
    const text = pretty(JSON.parse(JSON.stringify(value)));
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    expect(isDeceptive(text.replaceAll("\n", ""))).toBe(false);
    expect(JSON.parse(pretty(JSON.parse(JSON.stringify(value)), marked))).toEqual(
      JSON.parse(JSON.stringify(value)),
    );
  }));
});

test("pretty() grows with what it shows, not with how deep that is", () => {
  const depth = 1_000;
  const deep = `${"[".repeat(depth)}${"0,".repeat(depth)}0${"]".repeat(depth)}`;
  const text = pretty(JSON.parse(deep));
  expect(JSON.parse(text)).toEqual(JSON.parse(deep));
  expect(text.length).toBeLessThan(deep.length * 40);
});
