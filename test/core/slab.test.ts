import { expect, test } from "vitest";
import { Slab } from "../../src/core/slab.ts";

test("take() hands out bytes that nothing else is written to", () => {
  const slab = new Slab(64);
  const taken = Array.from({ length: 100 }, (_, i) => slab.take(i % 40).fill(i));
  expect(taken.map(({ length }) => length)).toEqual(taken.map((_, i) => i % 40));
  expect(taken.every((bytes, i) => bytes.every((byte) => byte === i))).toBe(true);
});

test("take() gives zeros", () => {
  const slab = new Slab(64);
  for (let i = 0; i < 20; i++) {
    const bytes = slab.take(12);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill(1);
  }
});
