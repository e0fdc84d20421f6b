/**
 * The store: named tables of bytes in one LMDB environment. Sole owner of lmdb.
 *
 * Invariants:
 * - `commit` resolves when the transaction is on disk: data, fdatasync, and the synchronous write of the meta page that
 *   is LMDB's commit point (`overlappingSync`, which resolves before, is off).
 * - Work that throws leaves nothing: it runs in a child transaction, which is rolled back.
 * - After any failure but a full disk nothing is written until a restart: a kernel that reported an I/O error once may
 *   report success for pages it has dropped (fsync(2), NOTES).
 * - Reads see what is committed; inside `commit`, also what the same transaction wrote.
 *
 * Two options stay off on purpose. `useWritemap` would end the process with SIGBUS on a full disk. `noMemInit` would
 * write uncleared heap memory, payloads and keys among it, into the unused parts of pages.
 */

import { open, type RootDatabase } from "lmdb";
import { join } from "node:path";
import { Refusal } from "../../core/errors.ts";
import {
  codeOf,
  commitFailure,
  isCommitError,
  takeUnhandledCommitErrors,
} from "./commit_failure.ts";
import { FreeSpace } from "../disk/free_space.ts";
import { DATA_FILE } from "../disk/layout.ts";
import { damagedLedger } from "../disk/open_error.ts";
import { pagesOf, parseStatistics } from "../statistics.ts";
import { Table } from "./table.ts";

export interface StoreOptions {
  readonly directory: string;
  /** For another process's live store, or a copy: nothing can be written, and all is read as it was when opened. */
  readonly readOnly?: boolean;
  /** Address space of the map in bytes; it grows by itself beyond. */
  readonly mapBytes?: number | undefined;
  /** Called now and then: gives back what of the data file at `path` was read through the map. */
  readonly release?: (path: string) => void;
}

export interface Tables {
  /** Schema version, identity, state. */
  readonly meta: Table;
  /** executionKey -> records.ts */
  readonly executions: Table;
  /** nonceKey -> executionKey */
  readonly nonces: Table;
  /** peerKey -> nothing */
  readonly peers: Table;
  /** executionKey -> bucket of the request */
  readonly unsettled: Table;
  /** approvalKey -> approvals.ts */
  readonly approvals: Table;
  /** leafKey -> records.ts */
  readonly leaves: Table;
  /** nodeKey -> 32 bytes */
  readonly nodes: Table;
  /** sealedKey -> vault.ts */
  readonly sealed: Table;
}

/** Address space costs nothing, and while the map need not grow no second one is kept for old readers. */
const MAP_BYTES = 2 ** 34;
const TABLES_MAX = 16;

/**
 * Rows touched between two calls of `release`. One in six is at a random place, where the kernel brings in 16 pages of
 * 4 KiB at once: some 45 MB at worst.
 */
const ROWS_PER_RELEASE = 4_096;
/** The same while a backup reads everything. */
const RELEASE_MS = 100;

const META_PAGES = 2;
const ENCODING = { encoding: "binary", keyEncoding: "binary" } as const;

type Snapshot = ReturnType<RootDatabase["useReadTransaction"]>;

export class Store {
  readonly tables: Tables;
  readonly #root: RootDatabase<Uint8Array, Uint8Array>;
  readonly #snapshot: Snapshot | undefined;
  readonly #free: FreeSpace;
  /** LMDB may leave a transaction's promise open for ever once it has given up, so each can be rejected from here. */
  readonly #inFlight = new Map<Promise<void>, (reason: Refusal) => void>();
  #unusable: Refusal | undefined;
  #rowsTouched = 0;
  #writes = 0;
  #writtenBytes = 0;

  /** Throws what LMDB throws when it cannot read what is there; integrity.ts looks first. */
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
    this.tables = {
      meta: this.#table("meta"),
      executions: this.#table("executions"),
      nonces: this.#table("nonces"),
      peers: this.#table("peers"),
      unsettled: this.#table("unsettled"),
      approvals: this.#table("approvals"),
      leaves: this.#table("leaves"),
      nodes: this.#table("nodes"),
      sealed: this.#table("sealed"),
    };
    if (readOnly) this.#snapshot = this.#root.useReadTransaction();
  }

  /** Rows written or removed since it was opened, rolled back or not. */
  get writes(): number {
    return this.#writes;
  }

  /** Size of the data file. */
  get bytes(): number {
    return Deno.statSync(this.#path).size;
  }

  /** Pages of the file that hold nothing: later transactions take them before the file grows. */
  get reusableBytes(): number {
    const whole = parseStatistics(this.#root.getStats());
    const trees = Object.values(this.tables).map((table) => table.pages);
    const used = trees.reduce(
      (sum, pages) => sum + pages,
      META_PAGES + pagesOf(whole.root) + pagesOf(whole.free),
    );
    return (whole.lastPageNumber + 1 - used) * whole.pageSize;
  }

  /** Whether it refuses everything until a restart. */
  get unusable(): boolean {
    return this.#unusable !== undefined;
  }

  /**
   * Runs `work` alone, when no other transaction runs, and resolves when all it wrote is on disk. Rejects with what
   * `work` threw, with storage_full, or with ledger_unavailable; of the first two nothing was written.
   */
  async commit(work: () => void): Promise<void> {
    if (this.#unusable !== undefined) throw this.#unusable;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let leftBytes = Infinity;
    const measured = () => {
      const before = this.#writtenBytes;
      work();
      const writtenBytes = this.#writtenBytes - before;
      leftBytes = this.#freeBytes() - writtenBytes;
      this.#free.take(writtenBytes);
    };
    this.#inFlight.set(promise, reject);
    try {
      this.#root.transaction(() => this.#root.childTransaction(measured)).then(
        () => resolve(),
        reject,
      );
      await promise;
    } catch (error) {
      if (!isCommitError(error)) throw error;
      this.#free.forget();
      const code = await commitFailure(error, () => Math.min(leftBytes, this.#freeBytes()));
      throw code === "storage_full" ? new Refusal(code) : this.giveUp();
    } finally {
      this.#inFlight.delete(promise);
    }
  }

  /** Nothing is written from here on; returns the refusal that says so. */
  giveUp(): Refusal {
    this.#unusable ??= new Refusal("ledger_unavailable");
    for (const reject of this.#inFlight.values()) reject(this.#unusable);
    return this.#unusable;
  }

  /** A consistent, compact copy in `directory`, which exists and is empty. */
  async backup(directory: string): Promise<void> {
    const timer = setInterval(() => this.#release(), RELEASE_MS);
    try {
      await this.#root.backup(directory, true);
    } finally {
      clearInterval(timer);
      this.#release();
    }
  }

  /** Waits for what is being committed, unless it gave up: then only the end of the process frees it. */
  async close(): Promise<void> {
    if (this.unusable) return;
    this.#unusable = new Refusal("ledger_unavailable");
    await Promise.allSettled(this.#inFlight.keys());
    this.#snapshot?.done();
    await this.#root.close();
  }

  #table(name: string): Table {
    const database = this.#root.openDB<Uint8Array, Uint8Array>({ name, ...ENCODING });
    if (database === undefined) throw damagedLedger(`it has no table ${name}`); // read-only, lmdb-js makes none
    return new Table(database, {
      reading: () => {
        this.#touched();
        return this.#snapshot === undefined ? {} : { transaction: this.#snapshot };
      },
      wrote: (bytes) => {
        this.#touched();
        this.#writes++;
        this.#writtenBytes += bytes;
      },
      touched: () => this.#touched(),
      failed: (error) => this.#failed(error),
    });
  }

  get #path(): string {
    return join(this.options.directory, DATA_FILE);
  }

  /** Where nobody knows, a failure is none of a full disk. */
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
