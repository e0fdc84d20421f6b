import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  base64Decode,
  base64Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
  portableBase64,
  portableFromHex,
  portableHex,
  utf8Decode,
  utf8Encode,
} from "../../src/core/bytes.ts";

describe("base64", () => {
  test("encodes as the runtime does, and decodes what it encoded", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = base64Encode(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(portableBase64(bytes)).toBe(text);
      expect(base64Decode(text)).toEqual(bytes);
      expect(base64Decode(text.replaceAll("=", ""))).toEqual(bytes);
      expect(base64Decode(Buffer.from(bytes).toString("base64url"))).toEqual(bytes);
    }));
  });

  test("decoding is injective: bytes have one text in each alphabet, with and without padding", () => {
    const text = fc.string({ unit: fc.constantFrom(..."AQgw/+-_=x0"), maxLength: 9 });
    fc.assert(
      fc.property(text, (candidate) => {
        const bytes = base64Decode(candidate);
        if (bytes === undefined) return;
        const standard = base64Encode(bytes);
        const urlSafe = standard.replaceAll("+", "-").replaceAll("/", "_");
        const spellings = [standard, urlSafe].flatMap((one) => [one, one.replaceAll("=", "")]);
        expect(spellings).toContain(candidate);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ["both alphabets in one text", "+-+-"],
    ["unused bits that are set", "QR=="],
    ["unused bits that are set, three characters", "QUF="],
    ["a single character left over", "QUFBQ"],
    ["half the padding", "QQ="],
    ["padding without need", "QUFB="],
    ["padding in the middle", "QQ==QUFB"],
    ["padding alone", "===="],
    ["white space", "QU FB"],
    ["a line feed at the end", "QUFB\n"],
    ["a character outside ASCII", "QUFé"],
    ["a character outside base64", "QUF*"],
  ])("refuses %s", (_, text) => {
    expect(base64Decode(text)).toBeUndefined();
  });

  test("the empty text is no bytes", () => {
    expect(base64Decode("")).toEqual(new Uint8Array());
  });
});

describe("hex", () => {
  test("decodes what it encoded", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => {
      expect(hexDecode(hexEncode(bytes))).toEqual(bytes);
      expect(portableHex(bytes)).toBe(hexEncode(bytes));
      expect(portableFromHex(hexEncode(bytes))).toEqual(bytes);
    }));
  });

  test.each(["0", "0g", "AB", "0x00", " 00", "00\n"])("refuses %j", (text) => {
    expect(hexDecode(text)).toBeUndefined();
  });
});

describe("utf8", () => {
  test("decodes what it encoded, a byte-order mark included", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(utf8Decode(utf8Encode(text))).toBe(text);
    }));
    expect(utf8Decode(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe("\ufeff");
  });

  test("a replacement character that was written stays one, and is no excuse for bytes beside it", () => {
    expect(utf8Decode(Uint8Array.of(0xef, 0xbf, 0xbd))).toBe("\ufffd");
    expect(utf8Decode(Uint8Array.of(0xef, 0xbf, 0xbd, 0x80))).toBeUndefined();
  });

  test("decodes exactly what the strict decoder of the runtime does", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const mixed = fc.array(
      fc.constantFrom(0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0xed, 0xef, 0xbd, 0xf0, 0x90, 0xf4),
    );
    fc.assert(
      fc.property(mixed, (numbers) => {
        const bytes = Uint8Array.from(numbers);
        let expected: string | undefined;
        try {
          expected = strict.decode(bytes);
        } catch {
          expected = undefined;
        }
        expect(utf8Decode(bytes)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("refuses what is not well-formed", () => {
    expect(utf8Decode(Uint8Array.of(0xc0, 0x80))).toBeUndefined();
    expect(utf8Decode(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined();
  });
});

test("concatBytes() and equalBytes()", () => {
  const whole = concatBytes(Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3));
  expect(whole).toEqual(Uint8Array.of(1, 2, 3));
  expect(equalBytes(whole, Uint8Array.of(1, 2, 3))).toBe(true);
  expect(equalBytes(whole, Uint8Array.of(1, 2))).toBe(false);
  expect(equalBytes(whole, Uint8Array.of(1, 2, 4))).toBe(false);
});
