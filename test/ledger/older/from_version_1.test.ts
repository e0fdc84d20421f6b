import { open } from "lmdb";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LedgerSnapshot } from "../../../src/audit/snapshot.ts";
import { utf8Decode, utf8Encode } from "../../../src/core/bytes.ts";
import { nonceKey } from "../../../src/ledger/store/keys.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import type { Mode } from "../../../src/core/types.ts";
import { openLedger } from "../../../src/ledger/open.ts";
import { olderState } from "../../../src/ledger/store/from_version_1.ts";
import { migrate, type MigrationOptions } from "../../../src/ledger/store/migrate.ts";
import { emptyState, encodeState } from "../../../src/ledger/store/state.ts";
import { restoreLedger } from "../../../src/ledger/restore.ts";
import { receipt, refusalOf, reservation, settlement, TestClock } from "../scene.ts";
import { expectSound } from "../soundness.ts";
import { temporaryFolder } from "../temporary.ts";
import { unpackVersion1 } from "./version_1.ts";

const SETTLED = 273;
const TABLES = ["bodies", "claims", "executions", "index", "leaves", "meta", "proposals"];

async function older(): Promise<string> {
  const stateDir = join(temporaryFolder(), "state");
  await unpackVersion1(stateDir);
  return stateDir;
}

const opened = (
  stateDir: string,
  migration: MigrationOptions = { rowsMax: 7 },
  mode: Mode = "enforced",
) =>
  openLedger({
    stateDir,
    executorId: "openexec:test",
    mode,
    clock: new TestClock(),
    migration,
  });

/** The names in the main tree: those of tables begin with a letter. */
async function tablesOf(stateDir: string): Promise<string[]> {
  const store = open<Uint8Array, Uint8Array>({
    path: join(stateDir, "ledger"),
    noSubdir: false,
    readOnly: true,
    encoding: "binary",
    keyEncoding: "binary",
  });
  const names = Array.from(store.getKeys(), (key) => utf8Decode(key) ?? "");
  await store.close();
  return names.filter((name) => /^[a-z]/.test(name)).map((name) => name.replace("\0", ""));
}

test("one of another mode is refused as it is, and the older program can go on with it", async () => {
  const stateDir = await older();
  const tables = await tablesOf(stateDir);
  await expect(opened(stateDir, {}, "demo")).rejects.toMatchObject({ reason: "other_identity" });
  expect(await tablesOf(stateDir)).toEqual(tables);
});

test("a ledger of schema version 1 opens with all it had, and its older tables are gone", async () => {
  const stateDir = await older();
  const ledger = await opened(stateDir);
  expect(ledger.statistics()).toMatchObject({
    executions: SETTLED + 4,
    unsettled: 4,
    logSize: 275,
  });
  expect(ledger.unsettled().map(({ nonce }) => nonce)).toEqual(
    [0, 1, 2, 3].map((n) => `open-${n}`),
  );
  for (const [n, { id }] of ledger.unsettled().entries()) {
    expect(ledger.openRequest(id)?.canonical).toBe(`{"open":${n}}`);
  }
  for (let i = 0; i < 270; i++) {
    const record = ledger.findByNonce(`n-${i}`);
    expect(record).toMatchObject({ status: "succeeded", logIndex: i, peer: { uid: 1000 + i % 3 } });
    const result = await ledger.readResult(record?.id ?? "");
    expect(result?.canonical, `n-${i}`).toBe(i < 8 ? '{"ok":true}' : undefined);
  }
  expect(await ledger.readReason(ledger.findByNonce("failed")?.id ?? "")).toBe("no such card");
  const uids = [1000, 1001, 1002].map((uid) => ledger.list({ uid, limit: 1000 }).length);
  expect(uids).toEqual([90 + 3 + 2, 92, 90]);
  expect(ledger.list({ uid: null, limit: 1000 })).toHaveLength(SETTLED + 4);
  expect(ledger.proposals.waiting().map(({ nonce }) => nonce)).toEqual(["waits"]);
  expect(ledger.proposals.findByNonce(1000, "withdrawn")?.status).toBe("withdrawn");
  expect(ledger.proposals.undelivered(1000, "mcp")).toHaveLength(1);
  await ledger.close();
  expect((await expectSound(stateDir)).statuses.size).toBe(SETTLED + 4);
  expect(await tablesOf(stateDir)).toEqual(TABLES);
});

test("its claims hold afterwards, and it goes on", async () => {
  const stateDir = await older();
  const ledger = await opened(stateDir);
  const asked = (nonce: string, jti: string, uses = 1) =>
    refusalOf(ledger.reserve(reservation({ nonce, claim: { jti, uses } })));
  expect(await asked("n-269", "new")).toBe("nonce_reused");
  expect(await asked("open-3", "new")).toBe("nonce_reused");
  expect(await asked("new", "j-269")).toBe("approval_already_used");
  expect(await asked("new", "never-used")).toBe("approval_revoked");
  expect(await asked("grant-3", "grant", 3)).toBe("ok");
  expect(await asked("grant-4", "grant", 3)).toBe("approval_already_used");
  for (const { id } of ledger.unsettled()) await ledger.settle(settlement(id));
  await ledger.append([receipt("more")]);
  await ledger.close();
  const { logSize, statuses } = await expectSound(stateDir);
  expect([logSize, statuses.size]).toEqual([275 + 5 + 1, SETTLED + 5]);
});

test("who only reads it is told to start the daemon once; a restore brings it up to date", async () => {
  const stateDir = await older();
  await expect(LedgerSnapshot.open(stateDir)).rejects.toMatchObject({
    reason: "older_schema",
    remedy: expect.stringContaining("openexec serve"),
  });
  const restored = join(temporaryFolder(), "restored");
  await restoreLedger({ backupDir: stateDir, stateDir: restored, clock: new TestClock() });
  expect((await expectSound(restored)).statuses.size).toBe(SETTLED + 4);
});

const fileOf = (stateDir: string) => Deno.readFileSync(join(stateDir, "ledger/data.mdb"));
const draftOf = (stateDir: string) => join(stateDir, "ledger.migrating/data.mdb");

test("until it is done the older file is as it was; what is done of the copy is kept", async () => {
  const stateDir = await older();
  const before = fileOf(stateDir);
  const stop = (at: number) => (done: number) => {
    if (done >= at) throw new Error(`interrupted at ${done}`);
  };
  const told: number[] = [];
  for (const at of [50, 200]) {
    await expect(opened(stateDir, { rowsMax: 7, report: stop(at) })).rejects.toThrow("interrupted");
    expect(fileOf(stateDir)).toEqual(before);
    expect(Deno.statSync(draftOf(stateDir)).isFile).toBe(true);
  }
  const ledger = await opened(stateDir, { rowsMax: 7, report: (done) => told.push(done) });
  expect(told[0]).toBeGreaterThanOrEqual(200);
  expect([told.at(-1), told]).toEqual([277, told.toSorted((a, b) => a - b)]);
  expect(() => Deno.statSync(join(stateDir, "ledger.migrating"))).toThrow(Deno.errors.NotFound);
  await ledger.close();
  expect((await expectSound(stateDir)).statuses.size).toBe(SETTLED + 4);
});

test("a copy of what the ledger was before an older program restored it is begun anew", async () => {
  const stateDir = await older();
  const atTheEnd = (done: number) => {
    if (done === SETTLED + 4) throw new Error("interrupted");
  };
  await expect(opened(stateDir, { rowsMax: 7, report: atTheEnd })).rejects.toThrow("interrupted");
  const draft = new Store({ directory: join(stateDir, "ledger.migrating"), isBulk: true });
  await draft.commit(() => draft.tables.claims.put(nonceKey("gone"), new Uint8Array(16)));
  await draft.close();
  // a restore sets the fence, and leaves the count of transactions as it was
  const store = new Store({ directory: join(stateDir, "ledger") });
  const state = olderState(store.tables) ?? emptyState();
  const fenced = encodeState({ ...state, fenceSeconds: 1_799_999_995 });
  await store.commit(() => store.tables.meta.put(utf8Encode("state"), fenced));
  await store.close();
  const ledger = await opened(stateDir);
  expect(ledger.findByNonce("gone")).toBeUndefined();
  expect(await refusalOf(ledger.reserve(reservation()))).toBe("approval_fenced");
  await ledger.close();
});

test.each([
  ["complete, and not in its place yet", async (draft: string) => {
    const other = await older();
    await migrate({ directory: join(other, "ledger") });
    Deno.copyFileSync(join(other, "ledger/data.mdb"), draft);
  }],
  ["cut short", (draft: string) => Deno.writeFileSync(draft, new Uint8Array(8192))],
])("a copy that is %s is begun anew", async (_, leave) => {
  const stateDir = await older();
  Deno.mkdirSync(join(stateDir, "ledger.migrating"));
  await leave(draftOf(stateDir));
  await (await opened(stateDir)).close();
  expect((await expectSound(stateDir)).statuses.size).toBe(SETTLED + 4);
  expect(() => Deno.statSync(join(stateDir, "ledger.migrating"))).toThrow(Deno.errors.NotFound);
});

test("without the space for a copy nothing is written, and the way out is said", async () => {
  const stateDir = await older();
  await expect(opened(stateDir, { freeBytes: 10_000 })).rejects.toMatchObject({
    reason: "no_space",
    remedy: "free 2 MiB there; until then the older program can go on with it",
  });
  expect(Array.from(Deno.readDirSync(stateDir), ({ name }) => name).sort()).toEqual(
    ["ledger", "lock", "vault"],
  );
});
