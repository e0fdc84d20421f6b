import { join } from "node:path";
import { expect, test } from "vitest";
import { checkDataFile } from "../../../src/ledger/disk/data_file.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { temporaryFolder } from "../temporary.ts";

const PAGE_BYTES = 4096;
const ROWS = 800;
const keyOf = (i: number) => new Uint8Array(16).fill(0x40).with(0, i >> 8).with(1, i & 0xff);

/** A data file of some hundred pages, most of them the lowest ones of one tree. */
async function large(): Promise<string> {
  const directory = temporaryFolder();
  const store = new Store({ directory, isBulk: true });
  const row = new Uint8Array(1_500).fill(0x5a);
  await store.commit(() => {
    for (let i = 0; i < ROWS; i++) store.tables.executions.put(keyOf(i), row);
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
  wipe(path, keyOf(ROWS - 1));
  checkDataFile(path);
});
