import { expect, test } from "vitest";
import { Frontier, leafHash, rootOf } from "../../src/log/tree.ts";
import { leafKey, tileKey } from "../../src/ledger/store/keys.ts";
import { encodeReceipt } from "../../src/ledger/store/rows.ts";
import { Store } from "../../src/ledger/store/store.ts";
import { nodeReader, storeFullTiles } from "../../src/ledger/log.ts";
import { receipt } from "./scene.ts";
import { temporaryFolder } from "./temporary.ts";

/** Appends leaves up to `size`, and calls `at` with the root of each size that is asked for. */
async function grow(
  store: Store,
  sizes: readonly number[],
  at: (size: number, root: Uint8Array) => void,
): Promise<void> {
  const frontier = new Frontier();
  for (const size of sizes) {
    await store.commit(() => {
      while (frontier.size < size) {
        const index = frontier.size;
        const leaf = receipt(String(index));
        store.tables.log.put(leafKey(index), encodeReceipt(leaf));
        storeFullTiles(store.tables.log, index + 1);
        frontier.append(leafHash(leaf.body));
      }
    });
    at(size, frontier.root());
  }
}

test("roots are those of the leaves, before, at and after the end of tiles of both ranks", async () => {
  const store = new Store({ directory: temporaryFolder() });
  const tree = nodeReader(store.tables.log);
  const sizes = [1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 66_000];
  await grow(store, sizes, (size, root) => {
    expect(rootOf(tree, size), `as it grows, ${size}`).toEqual(root);
    expect(rootOf(nodeReader(store.tables.log), size), `read anew, ${size}`).toEqual(root);
  });
  const all = { start: leafKey(0), end: leafKey(70_000) };
  expect(store.tables.log.count(all)).toBe(66_000 + 257 + 1);
  await store.close();
});

test("a node that is not complete is none, and a tile that is lost is not made up", async () => {
  const store = new Store({ directory: temporaryFolder() });
  await grow(store, [600], () => {});
  const tree = () => nodeReader(store.tables.log);
  expect(tree().node(0, 599)).toBeDefined();
  for (const [level, index] of [[0, 600], [3, 75], [9, 1], [50, 0], [0, -1], [0, 0.5]] as const) {
    expect(tree().node(level, index), `${level}, ${index}`).toBeUndefined();
  }
  await store.commit(() => store.tables.log.remove(tileKey(0, 255)));
  expect(tree().node(0, 0)).toBeUndefined();
  expect(tree().node(8, 0)).toBeUndefined();
  expect(tree().node(8, 1)).toBeDefined();
  await store.close();
});
