import { join } from "node:path";
import { expect, test } from "vitest";
import { openLedger } from "../../src/ledger/open.ts";
import { restoreLedger } from "../../src/ledger/restore.ts";
import { LedgerSnapshot } from "../../src/audit/snapshot.ts";
import {
  DAY_MS,
  HOUR_MS,
  receipt,
  refusalOf,
  reservation,
  reserveAndSettle,
  scene,
  TestClock,
} from "./scene.ts";
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
  const restored = await restoreLedger({
    backupDir: directory,
    stateDir: s.stateDir,
    clock: s.clock,
  });
  expect(restored).toMatchObject({ executorId: "openexec:test", executions: 1, logSize: 1 });
  expect(restored.fenceSeconds).toBe(1_800_000_061);
  const ledger = await s.reopen();
  const outcome = (jti: string, issuedAt: number) =>
    refusalOf(
      ledger.reserve(reservation({ nonce: `again-${jti}-${issuedAt}`, claim: { jti, issuedAt } })),
    );
  expect(ledger.findByNonce("after")).toBeUndefined();
  expect(await outcome("after", 1_799_999_990)).toBe("approval_fenced");
  expect(await outcome("after", 1_800_000_060)).toBe("approval_fenced");
  expect(await outcome("new", 1_800_000_061)).toBe("ok");
  expect(await outcome("before", 1_800_000_061)).toBe("approval_already_used");
});

test("the fence is after what a daemon consumed while the clock was set back, by the ledger that is replaced", async () => {
  await using s = await scene();
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  await s.ledger.close();
  s.clock.reboot(0);
  s.clock.wallMs -= DAY_MS;
  await s.reopen();
  s.clock.pass(HOUR_MS);
  const consumed = { jti: "after", issuedAt: s.ledger.clock.nowMs() / 1000 };
  await reserveAndSettle(s.ledger, { nonce: "after", claim: consumed });
  await s.ledger.close();
  const restored = await restoreLedger({
    backupDir: directory,
    stateDir: s.stateDir,
    clock: s.clock,
  });
  expect(restored.fenceSeconds).toBe(consumed.issuedAt + 1);
  const ledger = await s.reopen();
  expect(ledger.clock.nowMs()).toBe(consumed.issuedAt * 1000);
  const again = (claim: { jti: string; issuedAt: number }) =>
    refusalOf(ledger.reserve(reservation({ claim })));
  expect(await again(consumed)).toBe("approval_fenced");
  expect(await again({ jti: "new", issuedAt: consumed.issuedAt + 1 })).toBe("ok");
});

test.each([
  ["gone", (file: string) => Deno.removeSync(file)],
  ["cut short", (file: string) => Deno.truncateSync(file, 8192)],
  ["no ledger", (file: string) => Deno.writeFileSync(file, new Uint8Array(50_000).fill(7))],
])(
  "the fence is after what a daemon consumed while the clock was set back, by the uptime where the ledger is %s",
  async (_, damage) => {
    await using s = await scene();
    const directory = join(temporaryFolder(), "backup");
    await s.ledger.backup(directory);
    s.clock.wallMs -= DAY_MS;
    s.clock.pass(HOUR_MS);
    const consumed = { jti: "after", issuedAt: s.ledger.clock.nowMs() / 1000 };
    await reserveAndSettle(s.ledger, { nonce: "after", claim: consumed });
    await s.ledger.close();
    damage(join(s.stateDir, "ledger/data.mdb"));
    s.clock.pass(5_000); // to stop a daemon and start a command
    const { fenceSeconds } = await restoreLedger({
      backupDir: directory,
      stateDir: s.stateDir,
      clock: s.clock,
    });
    expect(fenceSeconds).toBe(consumed.issuedAt + 5);
    expect(await refusalOf((await s.reopen()).reserve(reservation({ claim: consumed })))).toBe(
      "approval_fenced",
    );
  },
);

test("a backup from another boot or another machine shows no jump of the clock, and no time that passed there", async () => {
  await using s = await scene();
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  for (const upMs of [60_000, 200 * DAY_MS]) {
    s.clock.pass(HOUR_MS + 450);
    s.clock.reboot(upMs);
    const stateDir = join(temporaryFolder(), "state");
    const { fenceSeconds } = await restoreLedger({
      backupDir: directory,
      stateDir,
      clock: s.clock,
    });
    expect(fenceSeconds).toBe(Math.ceil(s.clock.wallMs / 1000));
    const there = await openLedger({
      stateDir,
      executorId: null,
      mode: "enforced",
      clock: s.clock,
    });
    expect(there.clock.nowMs()).toBe(s.clock.wallMs);
    await there.prune(100);
    expect(there.health().pruningPaused).toBe(false);
    await there.close();
  }
});

test("a jump of the clock since a backup of the same boot pauses the pruning of what is restored", async () => {
  await using s = await scene();
  const directory = join(temporaryFolder(), "backup");
  await s.ledger.backup(directory);
  await s.ledger.close();
  s.clock.wallMs += 11 * HOUR_MS + 950;
  await restoreLedger({ backupDir: directory, stateDir: s.stateDir, clock: s.clock });
  expect((await s.reopen()).health().pruningPaused).toBe(true);
});

test("what was in flight when the backup was made is not run again after a restore", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation());
  expect(s.ledger.openRequest(id)).toBeDefined();
  const directory = join(temporaryFolder(), "backup");
  s.clock.pass(950);
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
  s.clock.pass(950);
  await s.ledger.backup(directory);
  await reserveAndSettle(s.ledger).catch(() => {});
  await s.ledger.close();
  const { replaced } = await restoreLedger({
    backupDir: directory,
    stateDir: s.stateDir,
    clock: s.clock,
  });
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
