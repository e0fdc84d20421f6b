/**
 * The ledger's log: appends receipts, with the tiles they complete, in the transaction of what they
 * are about.
 *
 * Its tree is kept as tiles: complete subtrees of 256 leaves, and of 256 such subtrees, and so on,
 * as in C2SP tlog-tiles. A tile is written once, when it is full. So most appends write a leaf
 * alone, and all at the end of one table. A tile of rank r holds the 511 nodes of levels 8r to
 * 8r + 8, in the order in which appends complete them. Nodes at the right edge, in no full tile
 * yet, are computed from the leaves when they are asked for.
 *
 * Invariants: the log's size in the state and the rows of `log` change together. A tile whose last
 * leaf is stored is stored, by the same transaction.
 */

import type { SignedReceipt } from "../log/signed_receipt.ts";
import { Frontier, leafHash, nodeHash, type NodeReader, nodesBefore } from "../log/tree.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "./parts.ts";
import { damaged } from "./store/bytes.ts";
import { leafKey, tileKey } from "./store/keys.ts";
import { decodeReceipt, encodeReceipt } from "./store/rows.ts";
import type { LedgerState } from "./store/state.ts";
import type { Table, Tables } from "./store/table.ts";
import type { LogReader } from "./types.ts";

/** Implements Ledger.append. */
export async function append(
  ledger: LedgerParts,
  receipts: readonly SignedReceipt[],
  urgent: boolean,
): Promise<number> {
  if (!urgent) ledger.space.admitReceipts();
  return await write(ledger, urgent ? OPERATOR_ATTEMPTS : 1, (state) => {
    const first = state.logSize;
    for (const receipt of receipts) appendReceipt(ledger.tables, state, receipt);
    return first;
  });
}

/** Runs inside a transaction; returns the receipt's log index. */
export function appendReceipt(tables: Tables, state: LedgerState, receipt: SignedReceipt): number {
  const index = state.logSize;
  tables.log.insert(leafKey(index), encodeReceipt(receipt));
  state.logSize++;
  storeFullTiles(tables.log, state.logSize);
  return index;
}

export function logReader(tables: Tables, size: () => number): LogReader {
  return {
    ...nodeReader(tables.log),
    size,
    leaf: (index) => {
      const row = isIndex(index) ? tables.log.get(leafKey(index)) : undefined;
      return row === undefined ? undefined : decodeReceipt(index, row);
    },
  };
}

/** A key of six bytes holds more. */
function isIndex(index: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < 2 ** 46;
}

export const TILE_LEVELS = 8;
export const TILE_LEAVES = 2 ** TILE_LEVELS;
const HASH_BYTES = 32;
export const TILE_BYTES = (2 * TILE_LEAVES - 1) * HASH_BYTES;
/** Nodes of the right edge to remember: no more than twice this many exist at a time. */
const REMEMBERED_MAX = 1024;

/**
 * Stores the tiles that leaf `size` - 1 completes. Runs in the transaction that appended it.
 * `tileAt` makes the one of a rank.
 */
export function storeFullTiles(
  log: Table,
  size: number,
  tileAt = (rank: number) => tileOf(lowest(log, rank, size)),
): void {
  for (let rank = 0; size % TILE_LEAVES ** (rank + 1) === 0; rank++) {
    log.put(tileKey(rank, size - 1), tileAt(rank));
  }
}

/** Puts the nodes above 256 hashes in their order, these among them. */
function tileOf(hashes: Iterable<Uint8Array>): Uint8Array {
  const tile = new Uint8Array(TILE_BYTES);
  const frontier = new Frontier();
  let at = 0;
  for (const hash of hashes) {
    for (const node of frontier.append(hash)) {
      tile.set(node.hash, at);
      at += HASH_BYTES;
    }
  }
  return tile;
}

/** Yields the lowest nodes of the tile of `rank` that ends with leaf `size` - 1. */
function* lowest(log: Table, rank: number, size: number): Generator<Uint8Array> {
  const leavesEach = TILE_LEAVES ** rank;
  for (let end = size - (TILE_LEAVES - 1) * leavesEach; end <= size; end += leavesEach) {
    const hash = rank === 0
      ? leafAt(log, end - 1)
      : log.get(tileKey(rank - 1, end - 1))?.subarray(-HASH_BYTES);
    if (hash === undefined) throw damaged();
    yield hash;
  }
}

/** Reads what is on disk: call it outside of transactions, because it remembers. */
export function nodeReader(log: Table): NodeReader {
  /** The tile that was read last, of each rank. */
  const tiles = new Map<number, { readonly lastLeaf: number; readonly tile: Uint8Array }>();
  const remembered = new Map<string, Uint8Array>();

  const tileAt = (rank: number, lastLeaf: number) => {
    const known = tiles.get(rank);
    if (known?.lastLeaf === lastLeaf) return known.tile;
    const tile = log.get(tileKey(rank, lastLeaf));
    if (tile !== undefined && tile.length !== TILE_BYTES) throw damaged();
    if (tile !== undefined) tiles.set(rank, { lastLeaf, tile });
    return tile;
  };

  const node = (level: number, index: number): Uint8Array | undefined => {
    const rank = Math.max(0, Math.ceil(level / TILE_LEVELS) - 1);
    const height = level - TILE_LEVELS * rank;
    const nodesEach = 2 ** (TILE_LEVELS - height);
    const lastLeaf = (Math.floor(index / nodesEach) + 1) * TILE_LEAVES ** (rank + 1) - 1;
    const tile = tileAt(rank, lastLeaf);
    if (tile !== undefined) {
      const at = HASH_BYTES * nodesBefore(height, index % nodesEach);
      return tile.subarray(at, at + HASH_BYTES);
    }
    const isLost = log.has(leafKey(lastLeaf));
    const isComplete = log.has(leafKey((index + 1) * 2 ** level - 1));
    return isComplete && !isLost ? edge(level, index) : undefined;
  };

  /** Computes a complete node of the right edge. */
  const edge = (level: number, index: number): Uint8Array | undefined => {
    const name = `${level}:${index}`;
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const below = level % TILE_LEVELS === 1 && level > 1 ? node : edge;
    const hash = level === 0
      ? leafAt(log, index)
      : above(below(level - 1, 2 * index), below(level - 1, 2 * index + 1));
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    if (hash !== undefined) remembered.set(name, hash);
    return hash;
  };

  return { node: (level, index) => isPlace(level, index) ? node(level, index) : undefined };
}

function above(left: Uint8Array | undefined, right: Uint8Array | undefined) {
  return left === undefined || right === undefined ? undefined : nodeHash(left, right);
}

function leafAt(log: Table, index: number): Uint8Array | undefined {
  const row = log.get(leafKey(index));
  return row === undefined ? undefined : leafHash(decodeReceipt(index, row).body);
}

/** The key of a leaf has six bytes. */
function isPlace(level: number, index: number): boolean {
  return Number.isInteger(index) && index >= 0 && (index + 1) * 2 ** level < 2 ** 47;
}
