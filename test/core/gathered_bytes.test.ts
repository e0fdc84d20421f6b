import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, equalBytes } from "../../src/core/bytes.ts";
import { GatheredBytes } from "../../src/core/gathered_bytes.ts";

const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 30 });

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
