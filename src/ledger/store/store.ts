/**
 * The store: named tables of bytes in one LMDB environment. Sole owner of lmdb.
 *
 * Invariants:
 * - `commit` resolves when the transaction is on disk: data, fdatasync, and the synchronous write
 *   of the meta page that is LMDB's commit point. `overlappingSync` resolves earlier, so it is off.
 * - Work that throws leaves nothing: it runs in a child transaction, which is rolled back.
 * - After any failure but a full disk, nothing is written until a restart: a kernel that reported
 *   an I/O error once may report success for pages it has dropped (fsync(2), NOTES).
 * - Reads see what is committed; inside `commit`, also what the same transaction wrote.
 *
 * Two options stay off on purpose. `useWritemap` would end the process with SIGBUS on a full disk.
 * `noMemInit` would write uncleared heap memory, payloads and keys among it, into the unused parts
 * of pages.
 */

import { open, type RootDatabase } from "lmdb";
import { join } from "node:path";
import { Refusal } from "../../core/errors.ts";
import { FreeSpace } from "../disk/free_space.ts";
import { DATA_FILE } from "../disk/layout.ts";
import { damagedLedger } from "../disk/open_error.ts";
import {
  codeOf,
  commitFailure,
  isCommitError,
  takeUnhandledCommitErrors,
} from "./commit_failure.ts";
import { Recent } from "./recent.ts";
import { RecentRows } from "./recent_rows.ts";
import { memberOf, NO_ROWS, numberIn, pagesOf, Table, type Tables } from "./table.ts";

export interface StoreOptions {
  readonly directory: string;
  /** Opens another process's live store, or a copy: reads all as it was then, writes nothing. */
  readonly readOnly?: boolean;
  /** Names of tables of older schemas. One that is missing reads as one without rows. */
  readonly older?: readonly string[];
  /** Address space of the map in bytes. It grows beyond by itself. */
  readonly mapBytes?: number | undefined;
  /** Writes all rows to their trees at once: right for many in the order of their keys. */
  readonly isBulk?: boolean;
  /** Bytes of changes that are recent before they are filed. */
  readonly recentBytes?: number | undefined;
  /** Called now and then: gives back the pages of the file at `path` that the map has read. */
  readonly release?: (path: string) => void;
}

/** Address space costs nothing, and a map that need not grow leaves no second one for readers. */
const MAP_BYTES = 2 ** 34;
const TABLES_MAX = 24;

/**
 * Rows touched between two calls of `release`. One in six is at a random place, where the kernel
 * reads 16 pages of 4 KiB at once: some 45 MB at worst.
 */
const ROWS_PER_RELEASE = 4_096;
/** Time between two calls of `release` while a backup reads everything. */
const RELEASE_MS = 100;

const META_PAGES = 2;
const ENCODING = { encoding: "binary", keyEncoding: "binary" } as const;

export class Store {
  readonly tables: Tables;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  /** The options of a read, in lmdb-js's words. */
  readonly #reading: { readonly transaction?: ReturnType<RootDatabase["useReadTransaction"]> } = {};
  readonly #recent: Recent;
  readonly #free: FreeSpace;
  /** Ends when the last commit that was asked for has. */
  #last: Promise<void> = Promise.resolve();
  /** Rejects the open commit: once LMDB gives up, it may leave its promise open for ever. */
  #rejectOpen: ((reason: Refusal) => void) | null = null;
  readonly #missing: string[] = [];
  readonly #older = new Map<string, Table>();
  #unusable: Refusal | undefined;
  #rowsTouched = 0;
  #writes = 0;
  #writtenBytes = 0;

  /**
   * Throws LedgerOpenError, damaged, or what LMDB throws if it cannot read the file, which
   * disk/data_file.ts checks first.
   */
  constructor(private readonly options: StoreOptions) {
    takeUnhandledCommitErrors();
    this.#free = new FreeSpace(options.directory);
    const readOnly = options.readOnly ?? false;
    const settings = {
      ...ENCODING,
      path: options.directory,
      noSubdir: false,
      overlappingSync: false,
      maxDbs: TABLES_MAX,
      mapSize: options.mapBytes ?? MAP_BYTES,
      readOnly,
      permissionsMode: 0o600,
    };
    this.#root = open<Uint8Array, Uint8Array>(settings);
    const recent = () => options.isBulk === true ? null : new RecentRows();
    this.tables = {
      current: this.#view(this.#root, recent(), "tree"),
      meta: this.#table("meta"),
      claims: this.#table("claims", recent()),
      executions: this.#table("executions", recent()),
      sealed: this.#table("bodies", recent()),
      log: this.#table("leaves", recent()),
      proposals: this.#table("proposals", recent()),
      index: this.#table("index", recent()),
    };
    for (const name of options.older ?? []) {
      const database = this.#root.openDB<Uint8Array, Uint8Array>({ name, ...ENCODING });
      this.#older.set(name, this.#view(database ?? NO_ROWS));
    }
    if (readOnly) this.#reading = { transaction: this.#root.useReadTransaction() };
    const { current, claims, executions, sealed, log, proposals, index } = this.tables;
    const filedTo = [claims, executions, sealed, log, proposals, index];
    this.#recent = new Recent(current, filedTo, options.recentBytes);
  }

  /** Throws LedgerOpenError if one of its tables is gone. An older schema has others. */
  requireTables(): void {
    const [name] = this.#missing;
    if (name !== undefined) throw damagedLedger(`it has no table ${name}`);
  }

  /** Number of rows written or removed since it was opened, rolled back or not. */
  get writes(): number {
    return this.#writes;
  }

  get directory(): string {
    return this.options.directory;
  }

  get pageBytes(): number {
    return numberIn(this.#root.getStats(), "pageSize");
  }

  /** Size of the data file. */
  get bytes(): number {
    return Deno.statSync(this.#path).size;
  }

  /** Bytes of the pages that hold nothing: later transactions take them before the file grows. */
  get reusableBytes(): number {
    const whole: unknown = this.#root.getStats();
    const trees = Object.values(this.tables).map((table) => table.pages);
    const free = pagesOf(memberOf(whole, "free"));
    const used = trees.reduce((sum, pages) => sum + pages, META_PAGES + free);
    return (numberIn(whole, "lastPageNumber") + 1 - used) * numberIn(whole, "pageSize");
  }

  /** Says whether it refuses everything until a restart. */
  get unusable(): boolean {
    return this.#unusable !== undefined;
  }

  /**
   * Runs `work`, one transaction after the other, and resolves when all it wrote is on disk.
   * Rejects with what `work` threw or with storage_full, after which nothing was written, or with
   * ledger_unavailable.
   */
  commit(work: () => void): Promise<void> {
    const committed = this.#last.then(() => this.#commit(work));
    this.#last = committed.catch(() => {});
    return committed;
  }

  async #commit(work: () => void): Promise<void> {
    if (this.#unusable !== undefined) throw this.#unusable;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let leftBytes = Infinity;
    const measured = () => {
      const before = this.#writtenBytes;
      this.#recent.run(work);
      const writtenBytes = this.#writtenBytes - before;
      leftBytes = this.#freeBytes() - writtenBytes;
      this.#free.take(writtenBytes);
    };
    this.#rejectOpen = reject;
    try {
      this.#root.transaction(() => this.#root.childTransaction(measured)).then(
        () => resolve(),
        reject,
      );
      await promise;
      this.#recent.landed();
    } catch (error) {
      if (!isCommitError(error)) throw error;
      this.#free.forget();
      const refusal = await commitFailure(error, () => Math.min(leftBytes, this.#freeBytes()));
      if (refusal.code !== "storage_full") throw this.giveUp(refusal);
      this.#recent.cramped();
      throw refusal;
    } finally {
      // LMDB may still bring a commit to disk that the store gave up: all reads stay as before it
      if (!this.unusable) this.#recent.ended();
      this.#rejectOpen = null;
    }
  }

  /** Has the transaction under way file all recent changes, so that pages become free. */
  file(): void {
    this.#recent.fileAll();
  }

  /** Ends all writing; returns the refusal that says so, the first one's cause in it. */
  giveUp(refusal = new Refusal("ledger_unavailable")): Refusal {
    this.#unusable ??= refusal;
    this.#rejectOpen?.(this.#unusable);
    return this.#unusable;
  }

  /** Lets the pages go that readers kept which died: a killed `openexec export` is one. */
  forgetDeadReaders(): void {
    this.#root.readerCheck();
  }

  /** Makes a consistent, compact copy in `directory`, which exists and is empty. */
  async backup(directory: string): Promise<void> {
    const timer = setInterval(() => this.#release(), RELEASE_MS);
    try {
      await this.#root.backup(directory, true);
    } finally {
      clearInterval(timer);
      this.#release();
    }
  }

  /** Waits for open commits. A store that gave up is freed only by the end of the process. */
  async close(): Promise<void> {
    if (this.unusable) return;
    this.#unusable = new Refusal("ledger_unavailable");
    await this.#last;
    this.#reading.transaction?.done();
    await this.#root.close();
  }

  /** Returns a table of an older schema, which the options named. */
  older(name: string): Table {
    return this.#older.get(name) ?? this.#view(NO_ROWS);
  }

  #table(name: string, recent: RecentRows | null = null): Table {
    const database = this.#root.openDB<Uint8Array, Uint8Array>({ name, ...ENCODING });
    // lmdb-js creates no table in a store that is read-only
    if (database === undefined) this.#missing.push(name);
    return this.#view(database ?? NO_ROWS, recent);
  }

  #view(
    database: ConstructorParameters<typeof Table>[0],
    recent: RecentRows | null = null,
    writes: "recent" | "tree" = "recent",
  ): Table {
    const observer = {
      reading: () => {
        this.#touched();
        return this.#reading;
      },
      wrote: (bytes: number) => {
        this.#touched();
        this.#writes++;
        this.#writtenBytes += bytes;
      },
      touched: () => this.#touched(),
      failed: (error: unknown) => this.#failed(error),
    };
    return new Table(database, observer, recent, writes);
  }

  get #path(): string {
    return join(this.options.directory, DATA_FILE);
  }

  /** Returns Infinity if the file system does not say: then no failure counts as a full disk. */
  #freeBytes(): number {
    try {
      return this.#free.bytes;
    } catch {
      return Infinity;
    }
  }

  #touched(): void {
    if (++this.#rowsTouched % ROWS_PER_RELEASE === 0) this.#release();
  }

  #release(): void {
    this.options.release?.(this.#path);
  }

  #failed(error: unknown): never {
    if (this.#unusable !== undefined) throw this.#unusable;
    throw codeOf(error) === undefined ? error : this.giveUp();
  }
}
