import { join } from "node:path";
import { expect, test } from "vitest";
import { openLedger } from "../../src/ledger/open.ts";
import { restoreLedger } from "../../src/ledger/restore.ts";
import { LedgerSnapshot } from "../../src/ledger/snapshot.ts";
import { receipt, refusalOf, reservation, reserveAndSettle, scene, TestClock } from "./scene.ts";
import { temporaryFolder } from "./temporary.ts";

test("backup() of a running ledger is a consistent copy without keys", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger);
  const directory = join(temporaryFolder(), "backup");
  const writing = Array.from({ length: 50 }, () => reserveAndSettle(s.ledger));
  await Promise.all([s.ledger.backup(directory), ...writing]);
  const files = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  expect(files).toEqual(["ledger"]);
  const copy = await LedgerSnapshot.open(directory);
  expect(copy.find(id)).toEqual(s.ledger.find(id));
  const settled = [...copy.all()].filter(({ logIndex }) => logIndex !== null);
  expect(settled).toHaveLength(copy.log.size());
  expect([...copy.receipts()]).toHaveLength(copy.log.size());
  expect([...copy.all()]).toHaveLength(copy.executions);
  await copy.close();
});

test("backup() writes into no directory that holds anything", async () => {
  await using s = await scene();
  const directory = temporaryFolder();
  Deno.writeTextFileSync(join(directory, "mine"), "");
  expect(await refusalOf(s.ledger.backup(directory))).toBe("request_malformed");
  expect(await refusalOf(s.ledger.backup("/proc/none/backup"))).toBe("request_malformed");
  expect(Array.from(Deno.readDirSync(directory), ({ name }) => name)).toEqual(["mine"]);
});

test("restore refuses every approval issued before it, and what was consumed since the backup cannot run again", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger, { nonce: "before", claim: { jti: "before" } });
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  await reserveAndSettle(s.ledger, { nonce: "after", claim: { jti: "after" } });
  s.clock.pass(60_500);
  await s.ledger.close();
  const restored = await restoreLedger({ backupDir: directory, stateDir: s.stateDir, clock: s.clock });
  expect(restored).toMatchObject({ executorId: "openexec:test", executions: 1, logSize: 1 });
  expect(restored.fenceSeconds).toBe(1_800_000_061);
  const ledger = await s.reopen();
  const outcome = (jti: string, issuedAt: number) =>
    refusalOf(ledger.reserve(reservation({ nonce: `again-${jti}-${issuedAt}`, claim: { jti, issuedAt } })));
  expect(ledger.findByNonce("after")).toBeUndefined();
  expect(await outcome("after", 1_799_999_990)).toBe("approval_fenced");
  expect(await outcome("after", 1_800_000_060)).toBe("approval_fenced");
  expect(await outcome("new", 1_800_000_061)).toBe("ok");
  expect(await outcome("before", 1_800_000_061)).toBe("approval_already_used");
});

test("what was in flight when the backup was made is not run again after a restore", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation());
  expect(s.ledger.openRequest(id)).toBeDefined();
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  await s.ledger.close();
  await restoreLedger({ backupDir: directory, stateDir: s.stateDir, clock: s.clock });
  const ledger = await s.reopen();
  expect(ledger.unsettled().map((record) => record.id)).toEqual([id]);
  expect(ledger.openRequest(id)).toBeUndefined();
});

test("a restore is owed one receipt, until it has it, over restarts and no longer", async () => {
  await using s = await scene();
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  expect(s.ledger.unrecordedRestore()).toBeNull();
  await s.ledger.close();
  s.clock.pass(500);
  await restoreLedger({ backupDir: directory, stateDir: s.stateDir, clock: s.clock });
  const owed = { atMs: 1_800_000_000_500, fenceSeconds: 1_800_000_001 };
  expect((await s.reopen()).unrecordedRestore()).toEqual(owed);
  expect((await s.reopen()).unrecordedRestore()).toEqual(owed);
  await s.ledger.recordRestore(receipt("restore"));
  expect([s.ledger.unrecordedRestore(), s.ledger.log.size()]).toEqual([null, 1]);
  expect((await s.reopen()).unrecordedRestore()).toBeNull();
});

test("restore keeps the ledger that was there, keeps halted, and works in an empty directory", async () => {
  await using s = await scene();
  await s.ledger.setHalted(true, receipt("halt"));
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  await reserveAndSettle(s.ledger).catch(() => {});
  await s.ledger.close();
  const { replaced } = await restoreLedger({ backupDir: directory, stateDir: s.stateDir, clock: s.clock });
  expect(Deno.statSync(join(replaced ?? "", "data.mdb")).isFile).toBe(true);
  expect((await s.reopen()).health().halted).toBe(true);

  const elsewhere = join(temporaryFolder(), "state");
  const fresh = await restoreLedger({ backupDir: directory, stateDir: elsewhere, clock: s.clock });
  expect(fresh.replaced).toBeNull();
  const ledger = await openLedger({
    stateDir: elsewhere,
    executorId: null,
    mode: "enforced",
    clock: s.clock,
  });
  expect(ledger.executorId).toBe("openexec:test");
  await ledger.close();
});

test("restore is refused while a daemon runs, without a backup, and from a damaged one", async () => {
  await using s = await scene();
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  const clock = new TestClock();
  const outcome = (backupDir: string, stateDir: string) =>
    restoreLedger({ backupDir, stateDir, clock }).catch((error: unknown) => error);
  expect(await outcome(directory, s.stateDir)).toMatchObject({ reason: "in_use", pid: Deno.pid });
  expect(await outcome(temporaryFolder(), temporaryFolder())).toMatchObject({ reason: "missing" });
  Deno.truncateSync(join(directory, "ledger/data.mdb"), 8192);
  const untouched = temporaryFolder();
  expect(await outcome(directory, untouched)).toMatchObject({ reason: "damaged" });
});

test("a snapshot shows one moment of a running ledger", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger, { nonce: "seen" });
  const snapshot = await LedgerSnapshot.open(s.stateDir);
  await reserveAndSettle(s.ledger, { nonce: "unseen" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([...snapshot.all()].map(({ nonce }) => nonce)).toEqual(["seen"]);
  expect([...snapshot.receipts()]).toHaveLength(1);
  expect(snapshot.log.size()).toBe(1);
  await snapshot.close();
});
