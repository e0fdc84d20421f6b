/**
 * Tables: rows of bytes, sorted by key. Write them only inside Store.commit. The keys and values
 * they hand out are copies, but for those that read() shows to its decoder.
 *
 * A table is a tree of the file, and what changed lately (recent.ts).
 */

import { pooledCopy } from "../../core/bytes.ts";
import { changed, type RecentRows, type Row } from "./recent_rows.ts";

/** The tables of a ledger: key -> row. */
export interface Tables {
  /**
   * The main tree of the file, which every commit writes because it names the others: the state,
   * and executions in flight (executions.ts).
   */
  readonly current: Table;
  /** Schema version, identity, and the note of a restore. Commits do not touch it. */
  readonly meta: Table;
  /** nonceKey -> executionKey; approvalKey -> encodeApproval */
  readonly claims: Table;
  /** executionKey -> encodeExecution, of those that have settled */
  readonly executions: Table;
  /** sealedKey -> what the vault sealed */
  readonly sealed: Table;
  /** leafKey -> encodeReceipt; tileKey -> a full tile of the tree (log.ts) */
  readonly log: Table;
  /** executionKey -> encodeProposal */
  readonly proposals: Table;
  /** peerKey -> nothing; the keys of proposals/keys.ts -> what they say */
  readonly index: Table;
}

/** From `start`, inclusive, to `end`, exclusive; `reverse` goes down from `end`. */
interface Range {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

const NOTHING = new Uint8Array();

/** The part of lmdb-js's database that a table uses. */
interface Database {
  /** Returns a buffer that the next call overwrites. */
  getBinaryFast(key: Uint8Array, options: object): Uint8Array | undefined;
  putSync(key: Uint8Array, value: Uint8Array, options: object): unknown;
  removeSync(key: Uint8Array): unknown;
  getRange(options: object): Iterable<Row>;
  getKeys(options: object): Iterable<Uint8Array>;
  getKeysCount(options: object): number;
  getStats(): unknown;
}

interface Observer {
  /** Returns what lmdb-js calls the options of a read: none, or a snapshot to read from. */
  reading(): object;
  wrote(bytes: number): void;
  /** A row of a range was read. */
  touched(): void;
  /** Decides what an error of lmdb-js means. */
  failed(error: unknown): never;
}

/** Reads as a table without a row. */
export const NO_ROWS: Database = {
  getBinaryFast: () => undefined,
  putSync: readOnly,
  removeSync: readOnly,
  getRange: () => [],
  getKeys: () => [],
  getKeysCount: () => 0,
  getStats: () => ({
    treeBranchPageCount: 0,
    treeLeafPageCount: 0,
    overflowPages: 0,
    entryCount: 0,
  }),
};

function readOnly(): never {
  throw new TypeError("this table cannot be written to");
}

export class Table {
  /** `recent`: null where nobody reads beside a transaction. `writes`: where its rows go first. */
  constructor(
    private readonly database: Database,
    private readonly observer: Observer,
    readonly recent: RecentRows | null = null,
    private readonly writes: "recent" | "tree" = "recent",
  ) {}

  /** Number of pages of the data file that belong to this table's tree. */
  get pages(): number {
    return pagesOf(this.database.getStats());
  }

  /** Number of rows of its tree, as LMDB counts them. */
  get rows(): number {
    return numberIn(this.database.getStats(), "entryCount");
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.read(key, pooledCopy);
  }

  /** Returns what `decode` makes of a row. It must not keep it: the next read overwrites it. */
  read<T>(key: Uint8Array, decode: (row: Uint8Array) => T): T | undefined {
    const recent = this.recent?.get(key);
    if (recent === undefined) return this.#filed(key, decode);
    return recent === null ? undefined : decode(recent);
  }

  has(key: Uint8Array): boolean {
    return this.read(key, () => true) ?? false;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#change(key, value);
  }

  /** Puts a new key; throws RangeError if it is there already. */
  insert(key: Uint8Array, value: Uint8Array): void {
    if (this.has(key)) throw new RangeError("a row is already there");
    this.put(key, value);
  }

  remove(key: Uint8Array): void {
    this.#change(key, null);
  }

  /** Changes the tree itself; null removes the row. */
  file(key: Uint8Array, row: Uint8Array | null): void {
    this.observer.wrote(row?.length ?? 0);
    this.recent?.hold(key, () => this.#filed(key, pooledCopy) ?? null);
    this.#guard(() =>
      row === null ? this.database.removeSync(key) : this.database.putSync(key, row, {})
    );
  }

  /** Reads rows one by one. Read them to the end before you write anything else. */
  range(range: Range): Generator<Row> {
    return this.#read(range, (bounds) => this.database.getRange(bounds));
  }

  *keys(range: Range): Generator<Uint8Array> {
    for (const { key } of this.#read(range, (bounds) => this.#keysIn(bounds))) yield key;
  }

  /** Counts the rows one by one. */
  count(range: Range): number {
    let count = this.#guard(() =>
      this.database.getKeysCount({ ...boundsOf(range), ...this.observer.reading() })
    );
    for (const [key, row] of this.recent?.within(range.start, range.end) ?? []) {
      const wasThere = this.#filed(Uint8Array.fromHex(key), () => true) ?? false;
      count += Number(row !== null) - Number(wasThere);
    }
    return count;
  }

  #change(key: Uint8Array, row: Uint8Array | null): void {
    if (this.recent === null || this.writes === "tree") return this.file(key, row);
    this.observer.wrote(row?.length ?? 0);
    this.recent.set(key, row);
  }

  #filed<T>(key: Uint8Array, decode: (row: Uint8Array) => T): T | undefined {
    let row;
    try {
      row = this.database.getBinaryFast(key, this.observer.reading());
    } catch (error) {
      return this.observer.failed(error);
    }
    return row === undefined ? undefined : decode(plain(row));
  }

  *#read(range: Range, rowsIn: (bounds: object) => Iterable<Row>): Generator<Row> {
    const { start, end, reverse = false, limit = Infinity } = range;
    const changes = this.recent?.within(start, end) ?? [];
    if (reverse) changes.reverse();
    // so many more may have been removed
    const bounds = { ...boundsOf(range, limit + changes.length), ...this.observer.reading() };
    const rows = this.#guard(() => rowsIn(bounds));
    let left = limit;
    for (const { key, value } of changed(rows, changes, reverse)) {
      if (left-- <= 0) break;
      this.observer.touched();
      yield { key: plain(key), value: plain(value) };
    }
  }

  #keysIn(bounds: object): Iterable<Row> {
    return withoutValues(this.database.getKeys(bounds));
  }

  #guard<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      return this.observer.failed(error);
    }
  }
}

/** Counts the pages of a tree, from lmdb-js's statistics of it. */
export function pagesOf(tree: unknown): number {
  return numberIn(tree, "treeBranchPageCount") + numberIn(tree, "treeLeafPageCount") +
    numberIn(tree, "overflowPages");
}

/** Returns a number of lmdb-js's statistics, whose types promise nothing. */
export function numberIn(statistics: unknown, name: string): number {
  const value = memberOf(statistics, name);
  if (typeof value !== "number") throw new TypeError(`lmdb's statistics have no ${name}`);
  return value;
}

export function memberOf(statistics: unknown, name: string): unknown {
  const isObject = typeof statistics === "object" && statistics !== null;
  return isObject ? Reflect.get(statistics, name) : undefined;
}

function* withoutValues(keys: Iterable<Uint8Array>): Generator<Row> {
  for (const key of keys) yield { key, value: NOTHING };
}

/** lmdb-js hands out Buffers: their slice() does not copy, and their toString() is another. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** LMDB starts a reverse range at its upper end. */
function boundsOf({ start, end, reverse = false }: Range, limit = Infinity) {
  const bounds = reverse
    ? { start: end, end: start, exclusiveStart: true, inclusiveEnd: true, reverse }
    : { start, end };
  return limit === Infinity ? bounds : { ...bounds, limit };
}
