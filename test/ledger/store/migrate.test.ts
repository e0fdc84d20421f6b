import { expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../../../src/core/bytes.ts";
import { LedgerOpenError } from "../../../src/ledger/disk/open_error.ts";
import {
  migrate,
  type MigrationStep,
  readSchemaVersion,
  SCHEMA_VERSION,
  writeSchemaVersion,
} from "../../../src/ledger/store/migrate.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { temporaryFolder } from "../temporary.ts";

async function storeOfVersion(version: number): Promise<Store> {
  const store = new Store({ directory: temporaryFolder() });
  await store.commit(() => writeSchemaVersion(store.tables, version));
  return store;
}

const key = utf8Encode("steps");
const step = (name: string): MigrationStep => (tables) => {
  const before = utf8Decode(tables.meta.get(key) ?? new Uint8Array()) ?? "";
  tables.meta.put(key, utf8Encode(before + name));
};

test("a ledger of this version is left as it is", async () => {
  const store = await storeOfVersion(SCHEMA_VERSION);
  await migrate(store);
  expect(readSchemaVersion(store.tables)).toBe(SCHEMA_VERSION);
});

test("an older ledger takes every step between, in order, each with its version", async () => {
  const store = await storeOfVersion(1);
  const steps = new Map([[1, step("a")], [2, step("b")], [3, step("c")], [4, step("never")]]);
  await migrate(store, 4, steps);
  expect(readSchemaVersion(store.tables)).toBe(4);
  expect(utf8Decode(store.tables.meta.get(key) ?? new Uint8Array())).toBe("abc");
});

test("a step that fails leaves the ledger at the version it had, and the next start goes on from there", async () => {
  const store = await storeOfVersion(1);
  const failing: MigrationStep = (tables) => {
    step("half")(tables);
    throw new Error("interrupted");
  };
  await expect(migrate(store, 3, new Map([[1, step("a")], [2, failing]]))).rejects.toThrow(
    "interrupted",
  );
  expect(readSchemaVersion(store.tables)).toBe(2);
  await migrate(store, 3, new Map([[1, step("a")], [2, step("b")]]));
  expect(utf8Decode(store.tables.meta.get(key) ?? new Uint8Array())).toBe("ab");
});

test.each(
  [
    ["newer_schema", 7, 5],
    ["damaged", 2, 5],
  ] as const,
)("%s: version %i is refused by a program of version %i", async (reason, version, target) => {
  const store = await storeOfVersion(version);
  const error = await migrate(store, target, new Map([[1, step("a")]])).catch((thrown: unknown) =>
    thrown
  );
  expect(error).toBeInstanceOf(LedgerOpenError);
  expect(error).toMatchObject({ reason });
  expect(readSchemaVersion(store.tables)).toBe(version);
});
