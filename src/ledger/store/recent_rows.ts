/**
 * The recent changes of one table, in memory, and its rows as they are with them.
 *
 * Invariant: outside of a transaction a table reads as the last one left it that is on disk and was
 * said to be. LMDB shows what it wrote a little sooner, to some tables and not to those whose
 * changes wait here: a reader in between would find an execution in neither.
 */

import { pooledCopy } from "../../core/bytes.ts";

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A row that was put; null where one was removed. */
export type Change = Uint8Array | null;
/** By key in hex, which sorts as the key does. */
type Changes = Map<string, Change>;

export class RecentRows {
  #kept: Changes = new Map();
  /** Those of the transaction under way. */
  #made: Changes = new Map();
  /** Rows that it has changed in the tree, as they were: others read these until it has landed. */
  #before: Changes = new Map();
  #isInside = false;

  /** Returns the row; null if it was removed; undefined if the tree has what there is. */
  get(key: Uint8Array): Change | undefined {
    const later = this.#isInside ? this.#made : this.#before;
    if (this.#kept.size === 0 && later.size === 0) return undefined;
    const name = key.toHex();
    const row = later.get(name);
    return row === undefined ? this.#kept.get(name) : row;
  }

  set(key: Uint8Array, row: Change): void {
    if (!this.#isInside) throw new TypeError("rows are written inside a transaction");
    this.#made.set(key.toHex(), row === null ? null : pooledCopy(row));
  }

  /** Called before the transaction under way changes a row of the tree; `row` reads it there. */
  hold(key: Uint8Array, row: () => Change): void {
    const name = key.toHex();
    if (!this.#kept.has(name) && !this.#before.has(name)) this.#before.set(name, row());
  }

  /** Returns the changes from `start`, inclusive, to `end`, exclusive, the lowest key first. */
  within(start: Uint8Array, end: Uint8Array): [string, Change][] {
    const [from, to] = [start.toHex(), end.toHex()];
    return [...this.all()].filter(([name]) => name >= from && name < to).sort(byName);
  }

  all(): ReadonlyMap<string, Change> {
    const later = this.#isInside ? this.#made : this.#before;
    return later.size === 0 ? this.#kept : new Map([...this.#kept, ...later]);
  }

  get made(): ReadonlyMap<string, Change> {
    return this.#made;
  }

  begin(): void {
    this.#made = emptied(this.#made);
    this.#isInside = true;
  }

  leave(): void {
    this.#isInside = false;
  }

  /** The transaction is on disk, and what it changed is recent. */
  keep(): void {
    for (const [name, row] of this.#made) this.#kept.set(name, row);
    this.drop();
  }

  /** The transaction is on disk, and everything is filed. */
  forget(): void {
    this.#kept = emptied(this.#kept);
    this.drop();
  }

  /** Nothing of the transaction is left to wait for. */
  drop(): void {
    this.#made = emptied(this.#made);
    this.#before = emptied(this.#before);
  }
}

/** Returns a map without changes: another one, for readers may still go through these. */
function emptied(changes: Changes): Changes {
  return changes.size === 0 ? changes : new Map();
}

/** Yields the rows of a tree as they are with `changes`, which are sorted alike. */
export function* changed(
  rows: Iterable<Row>,
  changes: readonly [string, Change][],
  reverse: boolean,
): Generator<Row> {
  const waiting = changes.toReversed(); // the next one is the last
  for (const row of rows) {
    const name = waiting.length === 0 ? "" : row.key.toHex();
    for (let next = waiting.at(-1); next !== undefined; next = waiting.at(-1)) {
      if (reverse ? next[0] <= name : next[0] >= name) break;
      yield* rowOf(next);
      waiting.pop();
    }
    if (waiting.at(-1)?.[0] !== name) yield row;
  }
  for (const change of waiting.toReversed()) yield* rowOf(change);
}

function* rowOf([name, value]: [string, Change]): Generator<Row> {
  if (value !== null) yield { key: Uint8Array.fromHex(name), value: value.slice() };
}

export function byName([a]: readonly [string, Change], [b]: readonly [string, Change]): number {
  return a < b ? -1 : 1;
}
