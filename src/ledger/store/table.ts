/** Tables: rows of bytes, sorted by key. Writes belong inside Store.commit; keys and values handed out are copies. */

import { Slab } from "../../core/slab.ts";
import { pagesOf, parseStatistics } from "../statistics.ts";

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** From `start`, itself included, up to `end`, itself left out; `reverse` goes down from `end`. */
export interface Range {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** The part of lmdb-js's database that a table uses. */
interface Database {
  /** In a buffer that the next call overwrites. */
  getBinaryFast(key: Uint8Array, options: object): Uint8Array | undefined;
  putSync(key: Uint8Array, value: Uint8Array, options: object): unknown;
  removeSync(key: Uint8Array): unknown;
  getRange(options: object): Iterable<Row>;
  getKeys(options: object): Iterable<Uint8Array>;
  getKeysCount(options: object): number;
  getStats(): unknown;
}

interface Observer {
  /** What reads take part in, as lmdb-js wants it: nothing, or a snapshot. */
  reading(): object;
  wrote(bytes: number): void;
  /** A row of a range was read. */
  touched(): void;
  /** Decides what an error of lmdb-js means. */
  failed(error: unknown): never;
}

export class Table {
  constructor(
    private readonly database: Database,
    private readonly observer: Observer,
  ) {}

  /** How many pages of the file are its. */
  get pages(): number {
    return pagesOf(parseStatistics(this.database.getStats()));
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#guard(() => this.database.getBinaryFast(key, this.observer.reading()));
    return value === undefined ? undefined : copy(plain(value));
  }

  has(key: Uint8Array): boolean {
    return this.get(key) !== undefined;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.observer.wrote(value.length);
    this.#guard(() => this.database.putSync(key, value, {}));
  }

  /** Puts a key that is not there yet; throws when it is. */
  insert(key: Uint8Array, value: Uint8Array): void {
    this.#putIf(key, value, { noOverwrite: true });
  }

  /** Puts a key that is higher than all the others, which leaves no page half empty; throws when it is not. */
  append(key: Uint8Array, value: Uint8Array): void {
    this.#putIf(key, value, { append: true });
  }

  remove(key: Uint8Array): void {
    this.observer.wrote(0);
    this.#guard(() => this.database.removeSync(key));
  }

  /** Rows are read as they are asked for, and to be read to their end before anything else is written. */
  *range(range: Range): Generator<Row> {
    const rows = this.#guard(() =>
      this.database.getRange({ ...boundsOf(range), ...this.observer.reading() })
    );
    for (const { key, value } of rows) {
      this.observer.touched();
      yield { key: plain(key), value: plain(value) };
    }
  }

  *keys(range: Range): Generator<Uint8Array> {
    const keys = this.#guard(() =>
      this.database.getKeys({ ...boundsOf(range), ...this.observer.reading() })
    );
    for (const key of keys) yield plain(key);
  }

  /** How many rows there are, one by one. */
  count(range: Range): number {
    return this.#guard(() =>
      this.database.getKeysCount({ ...boundsOf(range), ...this.observer.reading() })
    );
  }

  #putIf(
    key: Uint8Array,
    value: Uint8Array,
    condition: { noOverwrite: true } | { append: true },
  ): void {
    this.observer.wrote(value.length);
    const done: unknown = this.#guard(() => this.database.putSync(key, value, condition));
    if (done !== true) {
      throw new RangeError("a row is already there, or comes after the one to append");
    }
  }

  #guard<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      return this.observer.failed(error);
    }
  }
}

const slab = new Slab(2 ** 16);

function copy(bytes: Uint8Array): Uint8Array {
  const copied = slab.take(bytes.length);
  copied.set(bytes);
  return copied;
}

/** lmdb-js hands out Buffers, whose slice() does not copy and whose toString() is another. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reverse ranges of LMDB start at their upper end. */
function boundsOf({ start, end, reverse = false, limit }: Range) {
  const bounds = reverse
    ? { start: end, end: start, exclusiveStart: true, inclusiveEnd: true, reverse }
    : { start, end };
  return limit === undefined ? bounds : { ...bounds, limit };
}
