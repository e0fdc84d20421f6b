/**
 * Whether the data file can be trusted with the process: looked at before LMDB maps it.
 *
 * A file may rightly end before the last page its meta page names, when that page is free. So a short file is walked to
 * its last page, which decides; of any other the upper part of its trees is walked, as far as a quick start allows.
 * Values are not looked into here: rows are checked as they are read, and `openexec audit` holds all of them against the log but
 * sealed bodies, which take the vault to open.
 */

import { Damage, DataFile, type Tree } from "./disk/data_file.ts";
import { damagedLedger } from "./disk/open_error.ts";

/** Pages walked at every start: 8 MB of the file, in some tens of milliseconds. */
const PAGES_AT_START = 2_048;

/** The two before are meta pages. */
const FIRST_PAGE = 2;

/** LMDB's cursors go no deeper. */
const DEPTH_MAX = 32;

/** Throws LedgerOpenError, damaged, with what to do. `live`: another process writes to it, so only its head is read. */
export function checkDataFile(path: string, live = false): void {
  try {
    const file = new DataFile(path);
    try {
      if (live) return;
      const short = file.pages <= file.meta.lastPage;
      walk(file, short ? Infinity : PAGES_AT_START);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof Damage) throw damagedLedger(error.message);
    throw error;
  }
}

/** Breadth first, so that what is left out are the lowest pages; of those only the places are checked. */
function walk(file: DataFile, pagesMax: number): void {
  const waiting: Tree[] = [];
  const seen = new Set<number>();
  const meet = (tree: Tree) => {
    if (tree.root < FIRST_PAGE || tree.root >= file.pages) {
      throw new Damage(`page ${tree.root} lies outside the file`);
    }
    if (waiting.length < pagesMax) waiting.push(tree);
  };
  file.meta.trees.forEach(meet);
  for (const { root: page, depth } of waiting) {
    if (depth < 1 || depth > DEPTH_MAX || seen.has(page)) {
      throw new Damage(`page ${page} has no place in its tree`);
    }
    seen.add(page);
    const { children, trees, runs } = file.links(page, depth === 1);
    for (const child of children) meet({ root: child, depth: depth - 1 });
    trees.forEach(meet);
    for (const run of runs) {
      if (run.page < FIRST_PAGE || run.page + run.pages > file.pages) {
        throw new Damage(`the value at page ${run.page} reaches beyond the file`);
      }
    }
  }
}
