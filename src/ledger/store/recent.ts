/**
 * Recent rows: what transactions changed lately, before it is filed in the trees it belongs to.
 *
 * A transaction would write a path of pages in each tree that it changes. So it leaves its changes
 * as one row beside the state, where it writes a page anyway. When many have gathered, one
 * transaction files them all.
 *
 * Invariants:
 * - Changes are in their trees, and no longer recent, by one transaction.
 * - Rows of changes are numbered from 0, without a gap: one that is gone may have held a claim.
 * - A table reads recent rows before its tree. So nothing else has to know where a row lies.
 * - A transaction sees its own changes at once; others see all of them together, once they are on
 *   disk.
 */

import { equalBytes } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";
import { damagedLedger } from "../disk/open_error.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";
import { byName, type RecentRows } from "./recent_rows.ts";
import type { Table } from "./table.ts";

const VERSION = 1;
/** The first byte of a key, before a number; all of them sort before the state. */
const CHANGES = 0;
const CHANGES_KEYS = { start: Uint8Array.of(CHANGES), end: Uint8Array.of(CHANGES + 1) };
/** So much is recent before it is filed: some ten executions. */
const BYTES_MAX = 2 ** 15;
/** More in one transaction is filed at once: several executions share paths, a body is large. */
const BYTES_AT_ONCE = 2 ** 13;
/** Beside key and row. */
const CHANGE_BYTES = 10;

/** The recent rows of all tables, as they are on disk. */
export class Recent {
  readonly #all: readonly RecentRows[];
  /** Rows on disk, and bytes of all changes in them. */
  #rows = 0;
  #bytes = 0;
  /** Says what the transaction under way does with its changes. */
  #next: "keep" | "file" = "keep";
  #nextBytes = 0;
  /** Whether the disk was full the last time, and so what need not be filed has to wait. */
  #isCramped = false;

  /**
   * `tables` are numbered on disk by their order: append only. Throws LedgerOpenError: damaged.
   */
  constructor(
    private readonly current: Table,
    private readonly tables: readonly Table[],
    private readonly bytesMax = BYTES_MAX,
  ) {
    this.#all = [current, ...tables].flatMap(({ recent }) => recent ?? []);
    try {
      for (const { key, value } of current.range(CHANGES_KEYS)) this.#read(key, value);
    } catch (error) {
      throw error instanceof Refusal ? damagedLedger("its latest rows cannot be read") : error;
    }
  }

  /** Has the transaction under way file everything. */
  fileAll(): void {
    this.#next = "file";
  }

  /** Runs `work` inside a transaction, and has what it changed written by that. */
  run(work: () => void): void {
    this.#next = "keep";
    this.#each((recent) => recent.begin());
    try {
      work();
      this.#write();
    } finally {
      this.#each((recent) => recent.leave());
    }
  }

  /** Called when a transaction has ended, landed or not. */
  ended(): void {
    this.#each((recent) => recent.drop());
  }

  /** Called when the disk was full: filing takes more of it than what the next one changes. */
  cramped(): void {
    this.#isCramped = true;
  }

  /** Called once the transaction is on disk. */
  landed(): void {
    this.#isCramped = false;
    if (this.#next === "file") {
      this.#each((recent) => recent.forget());
      this.#rows = this.#bytes = 0;
    } else if (this.#nextBytes > 0) {
      this.#each((recent) => recent.keep());
      this.#rows++;
      this.#bytes += this.#nextBytes;
    }
  }

  #write(): void {
    this.#nextBytes = this.#sizeOfMade();
    const isMuch = this.#nextBytes > BYTES_AT_ONCE ||
      this.#bytes + this.#nextBytes > this.bytesMax;
    if (isMuch && !this.#isCramped) this.#next = "file";
    if (this.#next === "file") this.#file();
    else if (this.#nextBytes > 0) this.current.put(changesKey(this.#rows), this.#encode());
  }

  /** In the order of keys, so that each page is found once. */
  #file(): void {
    for (const table of this.tables) {
      for (const [name, row] of [...table.recent?.all() ?? []].sort(byName)) {
        table.file(Uint8Array.fromHex(name), row);
      }
    }
    for (let number = 0; number < this.#rows; number++) this.current.remove(changesKey(number));
  }

  #sizeOfMade(): number {
    let bytes = 0;
    this.#each(({ made }) => {
      for (const [name, row] of made) bytes += name.length / 2 + (row?.length ?? 0) + CHANGE_BYTES;
    });
    return bytes;
  }

  #encode(): Uint8Array {
    const writer = new ByteWriter(this.#nextBytes + 1).u8(VERSION);
    for (const [number, { recent }] of this.tables.entries()) {
      for (const [name, row] of recent?.made ?? []) {
        writer.u8(number).u32(name.length / 2).hex(name).u8(row === null ? 0 : 1);
        if (row !== null) writer.u32(row.length).bytes(row);
      }
    }
    return writer.finish();
  }

  #read(changes: Uint8Array, row: Uint8Array): void {
    if (!equalBytes(changes, changesKey(this.#rows))) throw damaged();
    const reader = new ByteReader(row);
    if (reader.u8() !== VERSION) throw damaged();
    this.#each((recent) => recent.begin());
    while (!reader.isAtEnd) {
      const recent = this.tables[reader.u8()]?.recent;
      if (recent === undefined || recent === null) throw damaged();
      const key = reader.view(reader.u32());
      recent.set(key, reader.u8() === 0 ? null : reader.view(reader.u32()));
    }
    this.#each((recent) => recent.leave());
    this.#nextBytes = row.length;
    this.landed();
  }

  #each(act: (recent: RecentRows) => void): void {
    for (const recent of this.#all) act(recent);
  }
}

function changesKey(number: number): Uint8Array {
  return new ByteWriter(5).u8(CHANGES).u32(number).finish();
}
