import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  base64Decode,
  base64Encode,
  concatBytes,
  equalBytes,
  GatheredBytes,
  hexDecode,
  hexEncode,
  pooledBytes,
  pooledCopy,
  pooledUtf8,
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

const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 30 });

test("arrays of pooledBytes() are zeros, and no two of them share a byte", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 60 });
  fc.assert(fc.property(lengths, (all) => {
    const arrays = all.map(pooledBytes);
    for (const [i, array] of arrays.entries()) {
      expect([array.length, array.some((byte) => byte !== 0)]).toEqual([all[i], false]);
      array.fill(0xff);
    }
    const copies = arrays.map(pooledCopy);
    for (const [i, array] of arrays.entries()) array.fill(i);
    expect(arrays.every((array, i) => array.every((byte) => byte === i))).toBe(true);
    expect(copies.every((array) => array.every((byte) => byte === 0xff))).toBe(true);
  }));
});

test("pooledUtf8() is utf8Encode(), and leaves the arrays around it alone", () => {
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 500 }), { maxLength: 30 });
  fc.assert(fc.property(texts, (all) => {
    const encoded = all.map((text) => [pooledUtf8(text), pooledBytes(3)] as const);
    for (const [i, [bytes, next]] of encoded.entries()) {
      expect(bytes).toEqual(utf8Encode(all[i] ?? ""));
      expect(next).toEqual(new Uint8Array(3));
    }
  }));
});

test("many short arrays of pooledBytes() share a block, and a long one has its own", () => {
  const blocks = new Set(Array.from({ length: 100 }, () => pooledBytes(64).buffer));
  expect(blocks.size).toBeLessThan(4);
  const long = pooledBytes(1025);
  expect(long.buffer.byteLength).toBe(1025);
});

test("whole() is what was added, in its order, whatever was expected, and no piece is written to", () => {
  fc.assert(fc.property(pieces, fc.nat(700), (added, expected) => {
    const copies = added.map((piece) => piece.slice());
    const gathered = new GatheredBytes(600, expected);
    expect(added.map((piece) => gathered.add(piece))).toEqual(added.map(() => true));
    expect([...gathered.whole()]).toEqual([...concatBytes(...copies)]);
    expect(gathered.length).toBe(gathered.whole().length);
    expect(added).toEqual(copies);
  }));
});

test("add() takes nothing of a piece that is too much", () => {
  fc.assert(fc.property(pieces, fc.nat(100), (added, bytesMax) => {
    const gathered = new GatheredBytes(bytesMax, 1000);
    let taken: number[] = [];
    for (const piece of added) {
      const fits = taken.length + piece.length <= bytesMax;
      expect(gathered.add(piece)).toBe(fits);
      if (fits) taken = [...taken, ...piece];
    }
    expect([...gathered.whole()]).toEqual(taken);
  }));
});

test("a piece that is the whole is not copied", () => {
  const piece = new Uint8Array([1, 2, 3]);
  const gathered = new GatheredBytes(9);
  gathered.add(piece);
  expect(gathered.whole().buffer).toBe(piece.buffer);
});

/** Bytes of the array that holds what came byte by byte. */
function roomFor(count: number, bytesMax: number, bytesExpected?: number): number {
  const gathered = new GatheredBytes(bytesMax, bytesExpected);
  for (let i = 0; i < count; i++) gathered.add(Uint8Array.of(i));
  expect(equalBytes(gathered.whole(), Uint8Array.from({ length: count }, (_, i) => i))).toBe(true);
  return gathered.whole().buffer.byteLength;
}

test("what comes byte by byte is held in twice its bytes at most, and never in more than may come", () => {
  expect(roomFor(3, 2 ** 30)).toBe(4);
  expect(roomFor(700_000, 2 ** 30)).toBe(2 ** 20);
  expect(roomFor(700_000, 700_001)).toBe(700_001);
});

test("room is made once for as many bytes as are expected", () => {
  expect(roomFor(2, 2 ** 30, 5000)).toBe(5000);
  expect(roomFor(5000, 2 ** 30, 5000)).toBe(5000);
  expect(roomFor(2, 100, 5000)).toBe(100);
});
