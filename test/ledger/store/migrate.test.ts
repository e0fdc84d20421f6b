import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { LedgerOpenError } from "../../../src/ledger/disk/open_error.ts";
import {
  checkSchemaVersion,
  migrate,
  SCHEMA_VERSION,
  writeSchemaVersion,
} from "../../../src/ledger/store/migrate.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import { temporaryFolder } from "../temporary.ts";

const SCHEMA_KEY = utf8Encode("schema");

/** A folder with an empty ledger; null leaves the version out. */
async function folderOfVersion(version: number | null): Promise<string> {
  const directory = temporaryFolder();
  const store = new Store({ directory });
  await store.commit(() => {
    if (version === null) store.tables.meta.put(utf8Encode("other"), new Uint8Array());
    else writeSchemaVersion(store.tables, version);
  });
  await store.close();
  return directory;
}

/** Why it could not be brought up to date, or "migrated". */
async function outcomeOf(directory: string): Promise<string> {
  const error = await migrate({ directory }).then(() => "migrated", (thrown: unknown) => thrown);
  if (!(error instanceof LedgerOpenError)) return String(error);
  return error.reason;
}

test("a ledger of this version is left as it is", async () => {
  const directory = await folderOfVersion(SCHEMA_VERSION);
  const before = Deno.readFileSync(`${directory}/data.mdb`);
  expect(await outcomeOf(directory)).toBe("migrated");
  expect(Deno.readFileSync(`${directory}/data.mdb`)).toEqual(before);
});

test.each([
  ["newer_schema", SCHEMA_VERSION + 1],
  ["damaged", 0],
  ["damaged", null],
])("%s: version %j is refused, and not touched", async (reason, version) => {
  const directory = await folderOfVersion(version);
  const before = Deno.readFileSync(`${directory}/data.mdb`);
  expect(await outcomeOf(directory)).toBe(reason);
  expect(Deno.readFileSync(`${directory}/data.mdb`)).toEqual(before);
});

test.each([
  ["newer_schema", SCHEMA_VERSION + 1],
  ["older_schema", SCHEMA_VERSION - 1],
])("%s: who only reads is told of version %i", async (reason, version) => {
  const directory = await folderOfVersion(version);
  const store = new Store({ directory, readOnly: true });
  expect(() => checkSchemaVersion(store.tables)).toThrow(expect.objectContaining({ reason }));
  expect(store.tables.meta.get(SCHEMA_KEY)).toBeDefined();
  await store.close();
});
