import { describe, expect, test } from "vitest";
import { leafHash, nodeHash } from "../../src/log/tree.ts";
import {
  consistencyProof,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from "../../src/log/proof.ts";
import { vectors } from "./merkle_vectors.ts";
import { StoredTree } from "./stored_tree.ts";

const tree = StoredTree.of(vectors.leaves);
const { leaves, roots } = vectors;
const at = (list: readonly Uint8Array[], i: number) => list[i] ?? new Uint8Array();
const sizes = Array.from({ length: 21 }, (_, i) => i + 1);
const plain = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Uint8Array.from(hash));

describe("inclusion", () => {
  test.each(vectors.inclusion)(
    "of leaf $index among $size is proved as others prove it",
    (vector) => {
      const { size, index, proof } = vector;
      expect(plain(inclusionProof(tree, index, size))).toEqual(plain(proof));
      expect(verifyInclusion(leafHash(at(leaves, index)), index, size, proof, at(roots, size)))
        .toBe(true);
    },
  );

  test("verifies for every leaf of every size, and for no other index, size, leaf or root", () => {
    for (const size of sizes) {
      for (let index = 0; index < size; index++) {
        const leaf = leafHash(at(leaves, index));
        const proof = inclusionProof(tree, index, size);
        expect(verifyInclusion(leaf, index, size, proof, at(roots, size))).toBe(true);
        for (let other = 0; other <= 21; other++) {
          if (other !== index) {
            expect(verifyInclusion(leaf, other, size, proof, at(roots, size))).toBe(false);
            expect(
              verifyInclusion(leafHash(at(leaves, other)), index, size, proof, at(roots, size)),
            ).toBe(
              false,
            );
          }
          if (other !== size) {
            expect(verifyInclusion(leaf, index, size, proof, at(roots, other))).toBe(false);
          }
        }
      }
    }
  });

  test("verifyInclusion() refuses a proof with a hash more, less or elsewhere", () => {
    const leaf = leafHash(at(leaves, 5));
    const proof = inclusionProof(tree, 5, 21);
    const check = (hashes: readonly Uint8Array[]) =>
      verifyInclusion(leaf, 5, 21, hashes, at(roots, 21));
    expect(check(proof)).toBe(true);
    expect(check([...proof, new Uint8Array(32)])).toBe(false);
    expect(check(proof.slice(1))).toBe(false);
    expect(check(proof.slice(0, -1))).toBe(false);
    expect(check(proof.toReversed())).toBe(false);
    expect(check([])).toBe(false);
  });

  test.each([[3, 3], [-1, 3], [0, 0], [0.5, 3], [0, NaN]])(
    "of leaf %d among %d is refused",
    (index, size) => {
      expect(() => inclusionProof(tree, index, size)).toThrow(RangeError);
      expect(verifyInclusion(new Uint8Array(32), index, size, [], new Uint8Array(32))).toBe(false);
    },
  );
});

test.each([0, 31, 33])("hashes of %i bytes prove nothing", (length) => {
  const odd = new Uint8Array(length);
  const whole = new Uint8Array(32);
  expect(verifyInclusion(odd, 0, 1, [], odd)).toBe(false);
  expect(verifyInclusion(whole, 0, 1, [], whole)).toBe(true);
  expect(verifyInclusion(odd, 0, 2, [whole], nodeHash(odd, whole))).toBe(false);
  expect(verifyInclusion(whole, 0, 2, [odd], nodeHash(whole, odd))).toBe(false);
  expect(verifyConsistency(1, 1, odd, odd, [])).toBe(false);
  expect(verifyConsistency(1, 2, odd, nodeHash(odd, whole), [whole])).toBe(false);
  expect(verifyConsistency(1, 2, whole, nodeHash(whole, odd), [odd])).toBe(false);
});

describe("consistency", () => {
  test.each(vectors.consistency)(
    "of $from with $to is proved as others prove it",
    ({ from, to, proof }) => {
      expect(plain(consistencyProof(tree, from, to))).toEqual(plain(proof));
      expect(verifyConsistency(from, to, at(roots, from), at(roots, to), proof)).toBe(true);
    },
  );

  test("verifies for every pair of sizes, and for no other root", () => {
    for (const to of sizes) {
      for (let from = 1; from <= to; from++) {
        const proof = consistencyProof(tree, from, to);
        expect(verifyConsistency(from, to, at(roots, from), at(roots, to), proof)).toBe(true);
        for (const other of sizes) {
          if (other !== from) {
            expect(verifyConsistency(from, to, at(roots, other), at(roots, to), proof)).toBe(false);
          }
          if (other !== to) {
            expect(verifyConsistency(from, to, at(roots, from), at(roots, other), proof)).toBe(
              false,
            );
          }
        }
      }
    }
  });

  test("verifyConsistency() refuses a history that was rewritten", () => {
    const rewritten = StoredTree.of(
      leaves.map((leaf, i) => i === 4 ? Uint8Array.of(...leaf, 0) : leaf),
    );
    for (let from = 5; from <= 20; from++) {
      const proof = consistencyProof(rewritten, from, 21);
      expect(verifyConsistency(from, 21, at(roots, from), rewritten.root(), proof)).toBe(false);
    }
  });

  test("verifyConsistency() refuses a proof with a hash more or less", () => {
    const proof = consistencyProof(tree, 6, 21);
    const check = (hashes: readonly Uint8Array[]) =>
      verifyConsistency(6, 21, at(roots, 6), at(roots, 21), hashes);
    expect(check(proof)).toBe(true);
    expect(check([...proof, new Uint8Array(32)])).toBe(false);
    expect(check(proof.slice(1))).toBe(false);
    expect(check(proof.slice(0, -1))).toBe(false);
    expect(check([])).toBe(false);
  });

  test("verifyConsistency() refuses a proof that is too short for its sizes", () => {
    const proof = consistencyProof(tree, 2, 3);
    expect(verifyConsistency(2, 3, at(roots, 2), at(roots, 3), proof)).toBe(true);
    for (const to of [5, 6, 21]) {
      expect(verifyConsistency(2, to, at(roots, 2), at(roots, 3), proof)).toBe(false);
    }
  });

  test("of equal sizes takes no hash", () => {
    const root = at(roots, 8);
    expect(verifyConsistency(8, 8, root, root, [])).toBe(true);
    expect(verifyConsistency(8, 8, root, root, [root])).toBe(false);
    expect(verifyConsistency(8, 8, root, at(roots, 9), [])).toBe(false);
  });

  test.each([[0, 3], [4, 3], [1.5, 3], [-1, 3]])("of %d with %d is refused", (from, to) => {
    expect(() => consistencyProof(tree, from, to)).toThrow(RangeError);
    expect(verifyConsistency(from, to, at(roots, 0), at(roots, 3), [])).toBe(false);
  });
});
