import { describe, expect, test } from "vitest";
import { equalBytes, hexEncode } from "../../src/core/bytes.ts";
import { Refusal } from "../../src/core/errors.ts";
import { Frontier, leafHash, nodeHash, rangeHash, rootOf } from "../../src/log/tree.ts";
import { vectors } from "./merkle_vectors.ts";
import { StoredTree } from "./stored_tree.ts";

const leaf = (i: number) => Uint8Array.of(i >> 8, i & 0xff);

describe("rootOf()", () => {
  const tree = StoredTree.of(vectors.leaves);

  test.each(vectors.roots.map((root, size) => [size, hexEncode(root)] as const))(
    "of the first %i leaves is what another implementation says",
    (size, root) => expect(hexEncode(rootOf(tree, size))).toBe(root),
  );

  test("refuses a tree that lacks a node", () => {
    const empty = { node: () => undefined };
    expect(() => rootOf(empty, 3)).toThrow(Refusal);
  });
});

describe("appendedNodes()", () => {
  test("writes two nodes a leaf on average, each once, and only of complete subtrees", () => {
    const tree = new StoredTree();
    for (let i = 0; i < 1024; i++) tree.append(leaf(i));
    const names = new Set(tree.written.map(({ level, index }) => `${level}/${index}`));
    expect(tree.written.length).toBe(2047);
    expect(names.size).toBe(2047);
    expect(tree.written.every(({ level, index }) => (index + 1) * 2 ** level <= 1024)).toBe(true);
  });

  test("writes at most one node for each level", () => {
    const tree = new StoredTree();
    for (let i = 0; i < 1024; i++) {
      const before = tree.written.length;
      tree.append(leaf(i));
      expect(tree.written.length - before).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(i + 1)));
    }
  });
});

describe("Frontier", () => {
  test("keeps the root of a tree it does not keep", () => {
    const frontier = new Frontier();
    for (const [i, body] of vectors.leaves.entries()) {
      expect(equalBytes(frontier.root(), vectors.roots[i] ?? new Uint8Array())).toBe(true);
      frontier.append(leafHash(body));
    }
    expect(equalBytes(frontier.root(), vectors.roots[21] ?? new Uint8Array())).toBe(true);
    expect(frontier.size).toBe(21);
  });

  test("reports the nodes that are stored", () => {
    const tree = StoredTree.of(vectors.leaves);
    const frontier = new Frontier();
    const nodes = vectors.leaves.flatMap((body) => [...frontier.append(leafHash(body))]);
    expect(nodes).toEqual(tree.written);
  });
});

test("a node's hash is never a leaf's", () => {
  const [left, right] = [leafHash(leaf(1)), leafHash(leaf(2))];
  const forged = Uint8Array.of(...left, ...right);
  expect(equalBytes(leafHash(forged), nodeHash(left, right))).toBe(false);
});

test("rangeHash() of leaves beyond 2^31 asks for the right node", () => {
  const asked: string[] = [];
  const reader = {
    node: (level: number, index: number) => {
      asked.push(`${level}/${index}`);
      return new Uint8Array(32);
    },
  };
  rangeHash(reader, 0, 2 ** 40 + 1);
  expect(asked).toEqual(["40/0", `0/${2 ** 40}`]);
});
