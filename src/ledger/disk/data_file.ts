/**
 * Checks LMDB's data file before LMDB maps it. LMDB trusts what it maps, and a page that is not
 * there ends the process with SIGBUS. So this reads the file as bytes (data version 2, pages of
 * this build of lmdb-js).
 *
 * Layout, from liblmdb's mdb.c: a page begins with its number (8 bytes), a transaction id (8),
 * padding (2), flags (2) and the bounds of its free space (2 + 2). Numbers are little-endian on
 * every machine this program runs on.
 *
 * A sound file may end before the last page that its meta page names, where LMDB's own list has the
 * pages that are missing: they are free. A shorter file is walked to its last page. Otherwise the
 * walk covers the upper part of the trees, as far as a quick start allows. It does not look into
 * values: every row is checked when it is read, and `openexec audit` compares all rows but sealed
 * bodies with the log.
 */

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { damagedLedger } from "./open_error.ts";

/** Pages walked at every start. Each lies at another place, and a cold disk is asked for each. */
const PAGES_AT_START = 128;
/** The two before are meta pages. */
const FIRST_PAGE = 2;
/** A file that lacks more of them is not one that LMDB left so. */
const MISSING_MAX = 2 ** 16;
/** LMDB's cursors go no deeper. */
const DEPTH_MAX = 32;

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const HEADER_BYTES = 24;
const PAGE_BYTES_MAX = 65_536;
const META_BYTES = HEADER_BYTES + 160;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const META = 0x08;

const BIG_DATA = 0x01;
const SUB_TREE = 0x02;

/**
 * Throws LedgerOpenError, damaged, with what to do. If the file is `live`, another process writes
 * to it, and only its head is read.
 */
export function checkDataFile(path: string, live = false): void {
  try {
    const file = new DataFile(path);
    try {
      if (live) return;
      const { free, main } = file.meta;
      walk(file, [...free, ...main], lacksFreePagesAlone(file) ? PAGES_AT_START : Infinity);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof Damage) throw damagedLedger(error.message);
    throw error;
  }
}

/** Tells whether every page that the file ends before is free. */
function lacksFreePagesAlone(file: DataFile): boolean {
  const { pages, meta: { lastPage, free } } = file;
  if (lastPage - pages >= MISSING_MAX) return false;
  const missing = new Set<number>();
  for (let page = pages; page <= lastPage; page++) missing.add(page);
  if (missing.size === 0) return true;
  const find = (view: DataView, offset: number) => {
    for (const run of runsIn(view, offset)) {
      const end = Math.min(run.page + run.pages, lastPage + 1);
      for (let page = Math.max(run.page, pages); page < end; page++) missing.delete(page);
    }
  };
  walk(file, free, Infinity, ({ view, values, runs }) => {
    for (const value of values) find(view, value);
    for (const run of runs) find(file.read(run), HEADER_BYTES);
  });
  return missing.size === 0;
}

/**
 * Walks breadth first, so that a limit leaves out the lowest pages: they are only located. Calls
 * `look` with each page, once it was found to be in its place.
 */
function walk(
  file: DataFile,
  roots: readonly Tree[],
  pagesMax: number,
  look: (links: PageLinks) => void = () => {},
): void {
  const waiting: Tree[] = [];
  const seen = new Set<number>();
  const meet = (tree: Tree) => {
    if (tree.root < FIRST_PAGE || tree.root >= file.pages) {
      throw new Damage(`page ${tree.root} lies outside the file`);
    }
    if (waiting.length < pagesMax) waiting.push(tree);
  };
  roots.forEach(meet);
  for (const { root: page, depth } of waiting) {
    if (depth < 1 || depth > DEPTH_MAX || seen.has(page)) {
      throw new Damage(`page ${page} has no place in its tree`);
    }
    seen.add(page);
    const links = file.links(page, depth === 1);
    for (const child of links.children) meet({ root: child, depth: depth - 1 });
    links.trees.forEach(meet);
    for (const run of links.runs) {
      if (run.page < FIRST_PAGE || run.page + run.pages > file.pages) {
        throw new Damage(`the value at page ${run.page} reaches beyond the file`);
      }
    }
    look(links);
  }
}

/** A tree of the file: its root page, and its height in pages. */
interface Tree {
  readonly root: number;
  readonly depth: number;
}

interface Meta {
  readonly pageBytes: number;
  readonly transaction: bigint;
  readonly lastPage: number;
  /** The list of free pages, and what holds all others; none where one is empty. */
  readonly free: readonly Tree[];
  readonly main: readonly Tree[];
}

/** Pages one after another. */
interface Run {
  readonly page: number;
  readonly pages: number;
}

/** A page, and everything that it leads to. */
interface PageLinks {
  readonly view: DataView;
  readonly children: readonly number[];
  readonly trees: readonly Tree[];
  /** Those that hold one large value each. */
  readonly runs: readonly Run[];
  /** Where the other values begin in the view. */
  readonly values: readonly number[];
}

/** The file says something that a sound one cannot say. */
class Damage extends Error {}

class DataFile {
  readonly bytes: number;
  readonly meta: Meta;
  readonly #fd: number;

  /** Throws Damage if it is not a data file. */
  constructor(path: string) {
    if (!statSync(path).isFile()) throw new Damage("its data file is no file");
    this.#fd = openSync(path, "r");
    try {
      this.bytes = fstatSync(this.#fd).size;
      this.meta = this.#newestMeta();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  get pages(): number {
    return Math.floor(this.bytes / this.meta.pageBytes);
  }

  /** Throws Damage unless `page` is a consistent page of a tree, and a leaf exactly if `leaf`. */
  links(page: number, leaf: boolean): PageLinks {
    const view = this.read({ page, pages: 1 });
    const kind = view.getUint16(18, true) & (BRANCH | LEAF | OVERFLOW | META);
    if (Number(view.getBigUint64(0, true)) !== page || kind !== (leaf ? LEAF : BRANCH)) {
      throw new Damage(`page ${page} is not what the page above it says`);
    }
    const lower = view.getUint16(20, true);
    const upper = view.getUint16(22, true);
    if (lower % 2 !== 0 || lower > upper || upper > view.byteLength - HEADER_BYTES) {
      throw new Damage(`page ${page} contradicts itself`);
    }
    try {
      return readNodes(view, lower / 2, leaf);
    } catch (error) {
      if (error instanceof RangeError) throw new Damage(`page ${page} reaches beyond itself`);
      throw error;
    }
  }

  /** Throws Damage if one of the pages is missing. */
  read({ page, pages }: Run): DataView {
    const { pageBytes } = this.meta;
    const bytes = new Uint8Array(pages * pageBytes);
    if (readSync(this.#fd, bytes, 0, bytes.length, page * pageBytes) !== bytes.length) {
      throw new Damage(`page ${page} is missing`);
    }
    return new DataView(bytes.buffer);
  }

  /**
   * Returns the newer of the first two pages, which transactions write in turn. Both must have
   * their magic number, which no transaction writes again.
   */
  #newestMeta(): Meta {
    const first = this.#meta(0);
    const second = this.#meta(first?.pageBytes ?? 4096);
    if (first === undefined || second === undefined) throw new Damage("a meta page is not LMDB's");
    return first.transaction > second.transaction ? first : second;
  }

  #meta(offset: number): Meta | undefined {
    const bytes = new Uint8Array(META_BYTES);
    if (readSync(this.#fd, bytes, 0, META_BYTES, offset) !== META_BYTES) return undefined;
    const view = new DataView(bytes.buffer, HEADER_BYTES);
    if (view.getUint32(0, true) !== MAGIC || (view.getUint32(4, true) & 0xffff) !== DATA_VERSION) {
      return undefined;
    }
    const pageBytes = view.getUint32(24, true);
    if (pageBytes < 512 || pageBytes > PAGE_BYTES_MAX) return undefined;
    return {
      pageBytes,
      free: treeAt(view, 24),
      main: treeAt(view, 72),
      lastPage: Number(view.getBigUint64(120, true)),
      transaction: view.getBigUint64(128, true),
    };
  }
}

function readNodes(view: DataView, count: number, leaf: boolean): PageLinks {
  const children: number[] = [];
  const trees: Tree[] = [];
  const runs: Run[] = [];
  const values: number[] = [];
  for (let slot = 0; slot < count; slot++) {
    const node = HEADER_BYTES + view.getUint16(HEADER_BYTES + 2 * slot, true);
    const low = view.getUint32(node, true);
    const flags = view.getUint16(node + 4, true);
    if (!leaf) {
      children.push(low + flags * 2 ** 32);
      continue;
    }
    const value = node + 8 + view.getUint16(node + 6, true);
    if ((flags & SUB_TREE) !== 0) trees.push(...treeAt(view, value));
    else if ((flags & BIG_DATA) !== 0) {
      runs.push({
        page: Number(view.getBigUint64(value, true)),
        pages: Number(view.getBigUint64(value + 16, true)),
      });
    } else if (value + low > view.byteLength) {
      throw new RangeError("a value reaches beyond its page");
    } else values.push(value);
  }
  return { view, children, trees, runs, values };
}

/**
 * Yields the runs of one list: a count, and so many numbers. One is a page; after a negative one it
 * is the first of so many (midl.c of lmdb-js). Throws Damage where the list goes on behind its end.
 */
function* runsIn(view: DataView, offset: number): Generator<Run> {
  try {
    const count = Number(view.getBigInt64(offset, true));
    let pages = 1;
    for (let i = 1; i <= count; i++) {
      const entry = Number(view.getBigInt64(offset + 8 * i, true));
      if (entry > 0) yield { page: entry, pages };
      pages = entry < 0 ? -entry : 1;
    }
  } catch (error) {
    if (error instanceof RangeError) throw new Damage("a list of free pages has no end");
    throw error;
  }
}

/** Returns nothing for an empty tree. */
function treeAt(view: DataView, offset: number): Tree[] {
  const root = view.getBigUint64(offset + 40, true);
  return root === NO_PAGE ? [] : [{ root: Number(root), depth: view.getUint16(offset + 6, true) }];
}
