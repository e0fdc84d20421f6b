/** A log's nodes in memory, stored as the ledger stores them. */

import {
  appendedNodes,
  leafHash,
  type NodeReader,
  rootOf,
  type TreeNode,
} from "../../src/log/tree.ts";

export class StoredTree implements NodeReader {
  readonly written: TreeNode[] = [];
  readonly #nodes = new Map<string, Uint8Array>();
  size = 0;

  static of(leaves: readonly Uint8Array[]): StoredTree {
    const tree = new StoredTree();
    for (const leaf of leaves) tree.append(leaf);
    return tree;
  }

  node(level: number, index: number): Uint8Array | undefined {
    return this.#nodes.get(`${level}/${index}`);
  }

  append(leaf: Uint8Array): void {
    for (const node of appendedNodes(this, this.size, leafHash(leaf))) {
      this.#nodes.set(`${node.level}/${node.index}`, node.hash);
      this.written.push(node);
    }
    this.size++;
  }

  /** Overwrites a node, as a corrupt disk would. */
  corrupt(level: number, index: number): void {
    this.#nodes.set(`${level}/${index}`, new Uint8Array(32));
  }

  root(size = this.size): Uint8Array {
    return rootOf(this, size);
  }
}
