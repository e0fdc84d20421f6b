/** What lmdb-js tells of its pages, checked: its types promise nothing. */

import * as v from "valibot";

const TREE = {
  treeBranchPageCount: v.number(),
  treeLeafPageCount: v.number(),
  overflowPages: v.number(),
};

const STATISTICS = v.object({
  ...TREE,
  pageSize: v.number(),
  lastPageNumber: v.number(),
  /** The tree of the tables' names, and the one of free pages. */
  root: v.object(TREE),
  free: v.object(TREE),
});

export function parseStatistics(statistics: unknown): v.InferOutput<typeof STATISTICS> {
  return v.parse(STATISTICS, statistics);
}

/** Pages that a tree takes up. */
export function pagesOf(tree: v.InferOutput<v.ObjectSchema<typeof TREE, undefined>>): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}
