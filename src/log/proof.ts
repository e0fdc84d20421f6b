/**
 * Inclusion and consistency proofs (RFC 9162, sections 2.1.3 and 2.1.4).
 *
 * Hashes are 32 bytes. Sizes and indexes are whole numbers up to 2^53 - 1, so there are no bit
 * operators here, which would cut them to 32 bits.
 */

import { equalBytes } from "../core/bytes.ts";
import { nodeHash, type NodeReader, rangeHash, splitLevel } from "./tree.ts";

const HASH_BYTES = 32;

export type Proof = readonly Uint8Array[];

/** Proves that leaf `index` is among the first `size`. Throws RangeError unless index < size. */
export function inclusionProof(nodes: NodeReader, index: number, size: number): Proof {
  if (!isCount(index) || !isCount(size) || index >= size) {
    throw new RangeError("index must be below size");
  }
  const proof: Uint8Array[] = [];
  let start = 0;
  let rest = size;
  while (rest > 1) {
    const left = 2 ** splitLevel(rest);
    if (index < start + left) {
      proof.push(rangeHash(nodes, start + left, rest - left));
      rest = left;
    } else {
      proof.push(rangeHash(nodes, start, left));
      start += left;
      rest -= left;
    }
  }
  return proof.reverse();
}

/** Proves that `to` leaves begin with the first `from`. Throws RangeError unless 0 < from <= to. */
export function consistencyProof(nodes: NodeReader, from: number, to: number): Proof {
  if (!isCount(from) || !isCount(to) || from < 1 || from > to) {
    throw new RangeError("from must be at least 1 and at most to");
  }
  const proof: Uint8Array[] = [];
  let start = 0;
  let rest = to;
  while (from < start + rest) {
    const left = 2 ** splitLevel(rest);
    if (from <= start + left) {
      proof.push(rangeHash(nodes, start + left, rest - left));
      rest = left;
    } else {
      proof.push(rangeHash(nodes, start, left));
      start += left;
      rest -= left;
    }
  }
  // Where one subtree is the whole older tree, the verifier has its hash already.
  if (start !== 0) proof.push(rangeHash(nodes, start, rest));
  return proof.reverse();
}

/** Checks an inclusion proof of the leaf hash `leaf` (RFC 9162, section 2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: Proof,
  root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let path = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(path) || path === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(path) && path !== 0) [path, last] = [half(path), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [path, last] = [half(path), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

/** Checks a consistency proof (section 2.1.4.2). An empty older tree proves nothing: refused. */
export function verifyConsistency(
  from: number,
  to: number,
  fromRoot: Uint8Array,
  toRoot: Uint8Array,
  proof: Proof,
): boolean {
  if (!isCount(from) || !isCount(to) || from < 1 || from > to) return false;
  if (![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === to) return proof.length === 0 && equalBytes(fromRoot, toRoot);
  let path = from - 1;
  let last = to - 1;
  while (isOdd(path)) [path, last] = [half(path), half(last)];
  const [first, ...rest] = path === 0 ? [fromRoot, ...proof] : proof;
  if (first === undefined) return false;
  let older = first;
  let newer = first;
  for (const hash of rest) {
    if (last === 0) return false;
    if (isOdd(path) || path === last) {
      older = nodeHash(hash, older);
      newer = nodeHash(hash, newer);
      while (!isOdd(path) && path !== 0) [path, last] = [half(path), half(last)];
    } else {
      newer = nodeHash(newer, hash);
    }
    [path, last] = [half(path), half(last)];
  }
  return last === 0 && equalBytes(older, fromRoot) && equalBytes(newer, toRoot);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}
