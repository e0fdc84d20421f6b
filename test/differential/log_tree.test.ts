/**
 * Our tree against @transmute/rfc9162, an independent implementation of RFC 9162.
 *
 * It departs from the RFC in one place: where the older size is a power of two, its consistency proofs begin with the
 * older root, which section 2.1.4.1 leaves out because the verifier has it (SUBPROOF(m, D_m, true) = {}), and its verifier
 * expects that. The comparison adds or drops that one hash and nothing else.
 */

import { RFC9162 } from "@transmute/rfc9162";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hexEncode } from "../../src/core/bytes.ts";
import {
  consistencyProof,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from "../../src/log/proof.ts";
import { leafHash } from "../../src/log/tree.ts";
import { StoredTree } from "../log/stored_tree.ts";

const hex = (hashes: readonly Uint8Array[]) => hashes.map(hexEncode);
const entries = fc.uniqueArray(fc.uint8Array({ maxLength: 40 }), {
  minLength: 1,
  maxLength: 40,
  selector: hexEncode,
});

const grown = entries.chain((leaves) =>
  fc.record({
    leaves: fc.constant(leaves),
    index: fc.nat(leaves.length - 1),
    older: fc.integer({ min: 1, max: leaves.length }),
  })
);

function isPowerOfTwo(size: number): boolean {
  return Number.isInteger(Math.log2(size));
}

describe("an independent implementation of RFC 9162 agrees on", () => {
  test("roots", async () => {
    await fc.assert(fc.asyncProperty(entries, async (leaves) => {
      expect(hexEncode(StoredTree.of(leaves).root())).toBe(
        hexEncode(await RFC9162.treeHead(leaves)),
      );
    }));
  });

  test("inclusion proofs, theirs by our verifier and ours by theirs", async () => {
    await fc.assert(fc.asyncProperty(grown, async ({ leaves, index }) => {
      const tree = StoredTree.of(leaves);
      const entry = leaves[index] ?? new Uint8Array();
      const theirs = await RFC9162.inclusionProof(entry, leaves);
      const ours = inclusionProof(tree, index, leaves.length);
      expect(hex(ours)).toEqual(hex(theirs.inclusion_path));
      const proof = { ...theirs, inclusion_path: [...ours] };
      expect(await RFC9162.verifyInclusionProof(tree.root(), leafHash(entry), proof)).toBe(true);
      expect(
        verifyInclusion(
          await RFC9162.leaf(entry),
          index,
          leaves.length,
          theirs.inclusion_path,
          tree.root(),
        ),
      )
        .toBe(true);
    }));
  });

  test("consistency proofs, theirs by our verifier and ours by theirs", async () => {
    await fc.assert(fc.asyncProperty(grown, async ({ leaves, older }) => {
      fc.pre(older < leaves.length);
      const tree = StoredTree.of(leaves);
      const [from, to] = [tree.root(older), tree.root()];
      const first = leaves[0] ?? new Uint8Array();
      const theirs = await RFC9162.consistencyProof(
        await RFC9162.inclusionProof(first, leaves.slice(0, older)),
        leaves,
      );
      const ours = consistencyProof(tree, older, leaves.length);
      const added = isPowerOfTwo(older) ? [from] : [];
      expect(hex([...added, ...ours])).toEqual(hex(theirs.consistency_path));
      const path = theirs.consistency_path.slice(added.length);
      expect(verifyConsistency(older, leaves.length, from, to, path)).toBe(true);
      const proof = { ...theirs, consistency_path: [...added, ...ours] };
      expect(await RFC9162.verifyConsistencyProof(from, to, proof)).toBe(true);
    }));
  });
});
