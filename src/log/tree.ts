/**
 * The Merkle tree of the log (RFC 9162, section 2.1.1), as pure functions over stored nodes.
 *
 * Only complete subtrees are stored, under (level, index): the one of 2^level leaves that starts at leaf index * 2^level.
 * Invariant: a stored node never changes. An append writes the leaf and what it completes, two nodes on average.
 */

import { Refusal } from "../core/errors.ts";
import { sha256 } from "../core/sha.ts";

export interface NodeReader {
  /** 32 bytes: RFC 9162 hash of the complete subtree of 2^level leaves that starts at leaf index * 2^level. */
  node(level: number, index: number): Uint8Array | undefined;
}

export interface TreeNode {
  readonly level: number;
  readonly index: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
}

/** Apart, so that no node can be passed off as a leaf (RFC 9162, section 2.1.1). */
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, leaf);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(NODE_PREFIX, left, right);
}

/** The nodes to store when `leaf` (a leaf hash) becomes leaf number `size`: itself first, then what it completes. */
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

/** Root of the first `size` leaves; `size` may be anything up to the number of leaves. */
export function rootOf(nodes: NodeReader, size: number): Uint8Array {
  return size === 0 ? sha256() : rangeHash(nodes, 0, size);
}

/** Hash of `size` leaves from `start`, a multiple of the smallest power of two that is not below `size`. */
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

/** The level k of the largest power of two 2^k below `size`, where RFC 9162 splits a tree; `size` is at least 2. */
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
 * A tree that remembers only the newest complete subtree of each level: all that appends and the root ever read.
 * Memory is logarithmic in the number of leaves.
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

  /** Returns the nodes that the append completed, the leaf first. */
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
