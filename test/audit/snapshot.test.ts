import { join } from "node:path";
import { expect, test } from "vitest";
import { equalBytes } from "../../src/core/bytes.ts";
import { EXECUTION_KEYS, leafKey } from "../../src/ledger/store/keys.ts";
import { LedgerSnapshot } from "../../src/audit/snapshot.ts";
import { Store } from "../../src/ledger/store/store.ts";
import type { Tables } from "../../src/ledger/store/table.ts";
import { reserveAndSettle, scene } from "../ledger/scene.ts";
import { temporaryFolder } from "../ledger/temporary.ts";

/** A ledger of five executions, changed behind its back. */
async function tampered(change: (tables: Tables) => void): Promise<LedgerSnapshot> {
  await using s = await scene();
  for (let i = 0; i < 5; i++) await reserveAndSettle(s.ledger);
  const directory = join(temporaryFolder(), "copy");
  await s.ledger.backup(directory);
  const store = new Store({ directory: join(directory, "ledger") });
  await store.commit(() => change(store.tables));
  await store.close();
  return await LedgerSnapshot.open(directory);
}

test("receipts() keeps the index of each, so that one that is missing shows", async () => {
  const snapshot = await tampered(({ log }) => log.remove(leafKey(2)));
  expect(Array.from(snapshot.receipts(), ({ index }) => index)).toEqual([0, 1, 3, 4]);
  expect(Array.from(snapshot.receipts(3), ({ index }) => index)).toEqual([3, 4]);
  await snapshot.close();
});

test("count() counts the rows that are there, whatever the ledger says", async () => {
  const snapshot = await tampered(({ executions }) =>
    executions.put(new Uint8Array(16), new Uint8Array(3))
  );
  expect([snapshot.count(), snapshot.executions]).toEqual([6, 5]);
  await snapshot.close();
});

test("a row that was read stays as it was while others are read, of whatever size", async () => {
  const store = new Store({ directory: temporaryFolder() });
  const rows = [3, 40_000, 900, 3_000_000, 0, 70_000, 5].map((length, i) =>
    new Uint8Array(length).fill(i)
  );
  const keyOf = (i: number) => new Uint8Array(16).fill(i);
  await store.commit(() => rows.forEach((row, i) => store.tables.executions.put(keyOf(i), row)));
  const { executions } = store.tables;
  expect(executions.count(EXECUTION_KEYS)).toBe(rows.length);
  const read = rows.map((_, i) => executions.get(keyOf(i)));
  expect(read.map((row) => row?.constructor)).toEqual(rows.map(() => Uint8Array));
  expect(read.every((row, i) => row !== undefined && equalBytes(row, rows[i] ?? new Uint8Array(1))))
    .toBe(
      true,
    );
  expect(read.map((row) => row?.length)).toEqual(rows.map(({ length }) => length));
  await store.close();
});
