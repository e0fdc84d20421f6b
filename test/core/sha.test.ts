import fc from "fast-check";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { digestOf, sha256, sha512 } from "../../src/core/sha.ts";

function expected(algorithm: string, parts: readonly Uint8Array[]): string {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

test("hashes the parts as if they were one", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 5 }), (parts) => {
    expect(sha256(...parts).toHex()).toBe(expected("sha256", parts));
    expect(sha512(...parts).toHex()).toBe(expected("sha512", parts));
  }));
});

test.each([4095, 4096, 4097, 10_000])("parts of together %i bytes", (length) => {
  const parts = [Uint8Array.of(1), new Uint8Array(length - 2).fill(7), Uint8Array.of(2)];
  expect(sha256(...parts).toHex()).toBe(expected("sha256", parts));
});

test("a hash is the caller's own, and stays what it is", () => {
  const first = sha256(Uint8Array.of(1), Uint8Array.of(2));
  const kept = first.toHex();
  sha256(Uint8Array.of(3), Uint8Array.of(4));
  expect(first.toHex()).toBe(kept);
  expect(first.constructor).toBe(Uint8Array);
});

test("digestOf() is the text of the same hash", () => {
  const bytes = new Uint8Array(5000).fill(9);
  expect(digestOf(bytes)).toBe(`sha256:${expected("sha256", [bytes])}`);
});
