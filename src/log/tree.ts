/**
 * The Merkle tree of the log (RFC 9162, section 2.1.1), as pure functions over its nodes.
 *
 * Nodes are complete subtrees, by level and index. Node (level, index) covers 2^level leaves from
 * leaf index * 2^level on. An append completes the leaf and the nodes above it that end there, two
 * on average.
 *
 * Invariant: a complete node never changes.
 */

import { Refusal } from "../core/errors.ts";
import { sha256 } from "../core/sha.ts";

export interface NodeReader {
  /** Returns the hash of a complete subtree, 32 bytes; undefined where it is not complete. */
  node(level: number, index: number): Uint8Array | undefined;
}

export interface TreeNode {
  readonly level: number;
  readonly index: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** Different prefixes, so that no node passes for a leaf (RFC 9162, section 2.1.1). */
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, leaf);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right);
}

/** Returns the nodes that a leaf hash completes when it becomes leaf number `size`, leaf first. */
export function appendedNodes(nodes: NodeReader, size: number, leaf: Uint8Array): TreeNode[] {
  let node: TreeNode = { level: 0, index: size, hash: leaf };
  const appended = [node];
  while (node.index % 2 === 1) {
    const left = storedNode(nodes, node.level, node.index - 1);
    node = { level: node.level + 1, index: (node.index - 1) / 2, hash: nodeHash(left, node.hash) };
    appended.push(node);
  }
  return appended;
}

/** Counts the nodes that appends complete before this one. */
export function nodesBefore(level: number, index: number): number {
  const lastLeaf = (index + 1) * 2 ** level - 1;
  let ones = 0;
  for (let rest = lastLeaf; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return 2 * lastLeaf - ones + level; // leaf n comes after n leaves and the n - ones nodes above
}

/** Returns the root of the first `size` leaves. */
export function rootOf(nodes: NodeReader, size: number): Uint8Array {
  return size === 0 ? sha256() : rangeHash(nodes, 0, size);
}

/** Hashes `size` leaves. `start` is a multiple of the smallest power of two not below `size`. */
export function rangeHash(nodes: NodeReader, start: number, size: number): Uint8Array {
  if (size === 1) return storedNode(nodes, 0, start);
  const level = splitLevel(size);
  const left = 2 ** level;
  if (size === 2 * left) return storedNode(nodes, level + 1, start / size);
  return nodeHash(
    storedNode(nodes, level, start / left),
    rangeHash(nodes, start + left, size - left),
  );
}

/** Returns k of the largest 2^k below `size`, where RFC 9162 splits a tree of `size` > 1 leaves. */
export function splitLevel(size: number): number {
  let level = 0;
  while (2 ** (level + 1) < size) level++;
  return level;
}

function storedNode(nodes: NodeReader, level: number, index: number): Uint8Array {
  const hash = nodes.node(level, index);
  if (hash === undefined) throw new Refusal("ledger_unavailable", "The log's tree lacks a node.");
  return hash;
}

/**
 * A tree that keeps only the newest complete subtree of each level, which is all that appends and
 * the root read. Its memory grows with the logarithm of the number of leaves.
 */
export class Frontier implements NodeReader {
  readonly #newest: TreeNode[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  node(level: number, index: number): Uint8Array | undefined {
    const newest = this.#newest[level];
    return newest?.index === index ? newest.hash : undefined;
  }

  /** Returns the nodes that the append completes, the leaf first. */
  append(leaf: Uint8Array): readonly TreeNode[] {
    const appended = appendedNodes(this, this.#size, leaf);
    for (const node of appended) this.#newest[node.level] = node;
    this.#size++;
    return appended;
  }

  root(): Uint8Array {
    return rootOf(this, this.#size);
  }
}
