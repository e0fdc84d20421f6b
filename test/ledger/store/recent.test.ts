import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Store } from "../../../src/ledger/store/store.ts";
import type { Table } from "../../../src/ledger/store/table.ts";
import { refusalOf } from "../scene.ts";
import { MAY_MOUNT, mountSmallDisk } from "../small_disk.ts";
import { temporaryFolder } from "../temporary.ts";

const key = (...bytes: number[]) => new Uint8Array(bytes);
const ALL = { start: key(0), end: key(255) };
const numbers = (table: Table, range = {}) =>
  Array.from(table.range({ ...ALL, ...range }), ({ key, value }) => [key[0], value[0]]);

const opened: Store[] = [];
const open = (directory: string, readOnly = false) => {
  const store = new Store({ directory, readOnly });
  opened.push(store);
  return store;
};

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

/** Two filed rows, 2 and 4, and changes to them and around them that are recent. */
async function mixed(directory = temporaryFolder()): Promise<Store> {
  const store = open(directory);
  const { log } = store.tables;
  await store.commit(() => {
    for (const number of [2, 4]) log.put(key(number), key(number));
    store.file();
  });
  await store.commit(() => {
    log.put(key(1), key(1));
    log.put(key(3), key(3));
  });
  await store.commit(() => {
    log.put(key(4), key(44));
    log.remove(key(2));
    log.put(key(5), key(5));
  });
  return store;
}

test("what is recent is read with what was filed, in either direction", async () => {
  const { log } = (await mixed()).tables;
  expect(log.rows).toBe(2);
  const all = [[1, 1], [3, 3], [4, 44], [5, 5]];
  expect(numbers(log)).toEqual(all);
  expect(numbers(log, { reverse: true })).toEqual(all.toReversed());
  expect(numbers(log, { limit: 2 })).toEqual([[1, 1], [3, 3]]);
  expect(numbers(log, { reverse: true, limit: 3 })).toEqual([[5, 5], [4, 44], [3, 3]]);
  expect(numbers(log, { start: key(2), end: key(5) })).toEqual([[3, 3], [4, 44]]);
  expect(Array.from(log.keys(ALL), ([first]) => first)).toEqual([1, 3, 4, 5]);
  expect(log.count(ALL)).toBe(4);
  expect(log.get(key(2))).toBeUndefined();
  expect(log.get(key(4))).toEqual(key(44));
});

test("it is there after a kill, and for who only reads", async () => {
  const directory = temporaryFolder();
  await mixed(directory);
  for (const readOnly of [true, false]) {
    const { log } = open(directory, readOnly).tables;
    expect(log.rows).toBe(2);
    expect(numbers(log)).toEqual([[1, 1], [3, 3], [4, 44], [5, 5]]);
  }
});

test("filed, it is in the tree, and nothing is recent after a restart", async () => {
  const directory = temporaryFolder();
  const store = await mixed(directory);
  await store.commit(() => store.file());
  for (const { tables: { log } } of [store, open(directory)]) {
    expect(log.rows).toBe(4);
    expect(log.recent?.within(ALL.start, ALL.end)).toEqual([]);
    expect(numbers(log)).toEqual([[1, 1], [3, 3], [4, 44], [5, 5]]);
  }
});

test("a store in which some of it is missing does not open", async () => {
  const directory = temporaryFolder();
  const store = await mixed(directory);
  const { current, log } = store.tables;
  await store.commit(() => log.put(key(6), key(6)));
  await store.commit(() => current.remove(key(0, 0, 0, 0, 1)));
  expect(() => open(directory)).toThrow();
  await store.commit(() => store.file());
  expect(numbers(open(directory).tables.log)).toEqual(numbers(log));
});

test("much of it is filed by itself", async () => {
  const store = open(temporaryFolder());
  const { log } = store.tables;
  for (let number = 1; number <= 5; number++) {
    await store.commit(() => log.put(key(number), new Uint8Array(8_000)));
    expect(log.rows).toBe(number < 5 ? 0 : 5);
  }
  await store.commit(() => log.put(key(6), new Uint8Array(8)));
  expect(log.rows).toBe(5);
  await store.commit(() => log.put(key(7), new Uint8Array(9_000)));
  expect(log.rows).toBe(7);
});

test("a transaction sees what it wrote, others once it is on disk, and after a failure nobody", async () => {
  const store = open(temporaryFolder());
  const { log } = store.tables;
  const written = store.commit(() => {
    log.put(key(1), key(1));
    expect(log.has(key(1))).toBe(true);
    expect(() => log.insert(key(1), key(2))).toThrow(RangeError);
    queueMicrotask(() => expect(log.has(key(1))).toBe(false));
  });
  expect(log.has(key(1))).toBe(false);
  await written;
  expect(log.get(key(1))).toEqual(key(1));
  const failed = store.commit(() => {
    log.remove(key(1));
    log.put(key(2), key(2));
    store.file();
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(numbers(log)).toEqual([[1, 1]]);
  await store.commit(() => log.put(key(3), key(3)));
  expect(numbers(log)).toEqual([[1, 1], [3, 3]]);
  expect(log.rows).toBe(0);
});

test("others see what a transaction changed in all tables together", async () => {
  const store = open(temporaryFolder());
  const { current, log } = store.tables;
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  let torn = 0;
  for (let at = 0; at < 60; at++) {
    let isOpen = true;
    const committed = store.commit(() => {
      for (const table of [current, log]) {
        if (at % 2 === 0) table.put(key(9), key(at));
        else table.remove(key(9));
      }
      if (at % 3 === 0) store.file();
    }).finally(() => isOpen = false);
    // LMDB shows it to whoever reads in the turns of a busy loop before the commit is told
    while (isOpen) {
      const [row, listed] = [current.get(key(9)), numbers(log)];
      const isWhole = row === undefined ? listed.length === 0 : listed[0]?.[1] === row[0];
      if (!isWhole) torn++;
      for (const start = performance.now(); performance.now() - start < 1;);
      await turn();
    }
    await committed;
  }
  expect(torn).toBe(0);
});

test.for(["recent", "filed"])(
  "a store that gave up reads as before a commit that landed all the same, %s",
  async (where) => {
    const directory = temporaryFolder();
    const store = open(directory);
    const tables = ({ tables: { current, log } }: Store) => [current, log];
    await store.commit(() => store.tables.log.put(key(9), key(1)));
    const committed = store.commit(() => {
      for (const table of tables(store)) table.put(key(9), key(2));
      if (where === "filed") store.file();
      queueMicrotask(() => store.giveUp());
    });
    expect(await refusalOf(committed)).toBe("ledger_unavailable");
    const read = (from: Store) => tables(from).map((table) => table.get(key(9))?.[0]);
    await expect.poll(() => read(open(directory, true))).toEqual([2, 2]);
    expect(read(store)).toEqual([undefined, 1]);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] filing waits while the disk has room only for what a commit changes",
  async () => {
    using disk = mountSmallDisk(2 ** 23);
    if (disk === undefined) throw new Error("mount(8) worked a moment ago");
    const store = new Store({ directory: join(disk.path, "store"), recentBytes: 100_000 });
    const { log } = store.tables;
    const keyOf = (number: number) => key(number >> 8, number & 255);
    await store.commit(() => {
      for (let number = 0; number < 1_000; number++) log.put(keyOf(number), new Uint8Array(1_000));
      store.file();
    });
    for (let at = 0; at < 90; at++) {
      await store.commit(() => log.put(keyOf(at * 10), new Uint8Array(1_000)));
    }
    // a row for each of ninety pages is recent, and 128 KiB are left
    const room = join(disk.path, "room");
    Deno.writeFileSync(room, new Uint8Array(2 ** 17));
    disk.fill();
    Deno.removeSync(room);
    const change = () => store.commit(() => log.put(key(4), new Uint8Array(9_000)));
    expect(await refusalOf(change())).toBe("storage_full");
    expect(log.has(key(4))).toBe(false);
    expect(await refusalOf(change())).toBe("ok");
    expect([log.has(key(4)), log.rows]).toEqual([true, 1_000]);
    disk.free();
    await change();
    expect(log.rows).toBe(1_001);
    await store.close();
  },
);
