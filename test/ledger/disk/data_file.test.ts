import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkDataFile } from "../../../src/ledger/disk/data_file.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { temporaryFolder } from "../temporary.ts";

const PAGE_BYTES = 4096;
const ROWS = 800;
/** The number of a row in one of the lowest pages, and bytes that no other page has. */
const MARKED = ROWS - 100;
const MARK = new Uint8Array(64).fill(0x4d);
const keyOf = (i: number) => new Uint8Array(16).fill(0x40).with(0, i >> 8).with(1, i & 0xff);

/** A data file of some hundred pages, most of them the lowest ones of one tree. */
async function large(): Promise<string> {
  const directory = temporaryFolder();
  const store = new Store({ directory, isBulk: true });
  const row = new Uint8Array(1_500).fill(0x5a);
  await store.commit(() => {
    for (let i = 0; i < ROWS; i++) {
      store.tables.executions.put(keyOf(i), i === MARKED ? row.with(0, 1).fill(0x4d, 1) : row);
    }
  });
  await store.close();
  return join(directory, "data.mdb");
}

/** Fills with zeros the pages that hold `bytes`. */
function wipe(path: string, bytes: Uint8Array): void {
  const file = new Uint8Array(Deno.readFileSync(path));
  const page = file.length / PAGE_BYTES;
  let wiped = 0;
  for (let i = 2; i < page; i++) {
    const content = file.subarray(i * PAGE_BYTES, (i + 1) * PAGE_BYTES);
    if (!content.toHex().includes(bytes.toHex())) continue;
    content.fill(0);
    wiped++;
  }
  expect(wiped).toBeGreaterThan(0);
  Deno.writeFileSync(path, file);
}

test("the upper pages are looked at, however large a file is", async () => {
  const path = await large();
  checkDataFile(path);
  wipe(path, new TextEncoder().encode("executions")); // the page that names the tables
  expect(() => checkDataFile(path)).toThrow("The ledger is damaged");
});

test("the lowest pages of a large file are not: a start takes as long at any size", async () => {
  const path = await large();
  wipe(path, MARK);
  checkDataFile(path);
});

/** The same, and a transaction that took pages at the end of the file and left them unwritten. */
async function short(): Promise<string> {
  const path = await large();
  const store = new Store({ directory: dirname(path), isBulk: true });
  const row = new Uint8Array(1_500).fill(0x5b);
  await store.commit(() => {
    for (let i = ROWS; i < 1.5 * ROWS; i++) store.tables.executions.put(keyOf(i), row);
    for (let i = ROWS; i < 1.5 * ROWS; i++) store.tables.executions.remove(keyOf(i));
  });
  await store.close();
  return path;
}

/** The last page that either meta page names. */
function lastPageOf(path: string): number {
  const view = new DataView(Deno.readFileSync(path).buffer);
  const [first = 0, second = 0] = [0, PAGE_BYTES].map((at) =>
    Number(view.getBigUint64(at + 144, true))
  );
  return Math.max(first, second);
}

test("a file that ends before pages that are free is not walked to its end", async () => {
  const path = await short();
  expect(Deno.statSync(path).size).toBeLessThan(lastPageOf(path) * PAGE_BYTES);
  checkDataFile(path);
  wipe(path, MARK);
  checkDataFile(path);
});

test("a file that ends before a page that is in use is damaged", async () => {
  for (const path of [await short(), await large()]) {
    const size = Deno.statSync(path).size;
    Deno.truncateSync(path, size - PAGE_BYTES);
    expect(() => checkDataFile(path)).toThrow("The ledger is damaged");
  }
});
