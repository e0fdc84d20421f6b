import { join } from "node:path";
import { expect, test } from "vitest";
import { bucketFor, bucketWidthMs } from "../../src/ledger/vault/keys.ts";
import {
  DAY_MS,
  HOUR_MS,
  refusalOf,
  reservation,
  reserveAndSettle,
  scene,
  settlement,
} from "./scene.ts";

function vaultKeys(stateDir: string): string[] {
  return Array.from(Deno.readDirSync(join(stateDir, "vault")), ({ name }) => name).sort();
}

test("prune() destroys what has expired and keeps the rest; claims and receipts stay", async () => {
  await using s = await scene();
  const short = { payloadMs: HOUR_MS, resultMs: DAY_MS };
  const done = await reserveAndSettle(s.ledger, { nonce: "n", claim: { jti: "j" }, ...short });
  const { openRequest, readResult } = s.ledger;
  expect(openRequest.call(s.ledger, done.id)).toBeDefined();
  s.clock.pass(2 * HOUR_MS);
  expect(await s.ledger.prune(100)).toEqual({ bodies: 1, buckets: 1, done: true });
  expect(openRequest.call(s.ledger, done.id)).toBeUndefined();
  expect(await readResult.call(s.ledger, done.id)).toBeDefined();
  s.clock.pass(DAY_MS);
  expect(await s.ledger.prune(100)).toEqual({ bodies: 1, buckets: 1, done: true });
  expect(await readResult.call(s.ledger, done.id)).toBeUndefined();
  expect(vaultKeys(s.stateDir)).toEqual([]);
  expect(s.ledger.find(done.id)).toEqual(done);
  expect(s.ledger.log.leaf(0)).toBeDefined();
  expect(await refusalOf(s.ledger.reserve(reservation({ nonce: "n" })))).toBe("nonce_reused");
  expect(await refusalOf(s.ledger.reserve(reservation({ claim: { jti: "j" } })))).toBe(
    "approval_already_used",
  );
});

test("a bucket outlives the executions in it that have not settled, and goes once they have", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation());
  s.clock.pass(3 * DAY_MS);
  expect(await s.ledger.prune(100)).toEqual({ bodies: 0, buckets: 0, done: true });
  const again = await s.reopen();
  expect(again.openRequest(id)).toBeDefined();
  await again.settle(settlement(id));
  expect(await again.prune(100)).toEqual({ bodies: 1, buckets: 1, done: true });
  expect(again.openRequest(id)).toBeUndefined();
});

test("prune() keeps to its limit and says when something is left", async () => {
  await using s = await scene();
  for (let i = 0; i < 5; i++) await reserveAndSettle(s.ledger);
  s.clock.pass(3 * DAY_MS);
  expect(await s.ledger.prune(4)).toEqual({ bodies: 4, buckets: 1, done: false });
  expect(await s.ledger.prune(4)).toEqual({ bodies: 4, buckets: 0, done: false });
  expect(await s.ledger.prune(4)).toEqual({ bodies: 2, buckets: 0, done: true });
  expect(s.ledger.statistics().oldestUnprunedMs).toBeNull();
});

test("prunings asked for at once follow each other", async () => {
  await using s = await scene();
  for (let i = 0; i < 3; i++) {
    await reserveAndSettle(s.ledger);
    s.clock.pass(2 * HOUR_MS);
  }
  s.clock.pass(3 * DAY_MS);
  const reports = await Promise.all(Array.from({ length: 8 }, () => s.ledger.prune(100)));
  expect(reports.reduce((sum, { bodies }) => sum + bodies, 0)).toBe(6);
  expect(reports.reduce((sum, { buckets }) => sum + buckets, 0)).toBe(3);
});

test("pruning that was interrupted after the keys were destroyed goes on with the rows", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger);
  s.clock.pass(3 * DAY_MS);
  for (const name of vaultKeys(s.stateDir)) Deno.removeSync(join(s.stateDir, "vault", name));
  const again = await s.reopen();
  expect(await again.prune(100)).toEqual({ bodies: 2, buckets: 0, done: true });
});

test("rows between buckets that must stay are found and removed", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger, { payloadMs: HOUR_MS, resultMs: DAY_MS });
  s.clock.pass(2 * HOUR_MS);
  const open = await s.ledger.reserve(reservation({ payloadMs: HOUR_MS }));
  s.clock.pass(2 * HOUR_MS);
  await reserveAndSettle(s.ledger, { payloadMs: HOUR_MS, resultMs: DAY_MS });
  s.clock.pass(3 * DAY_MS);
  expect(await s.ledger.prune(100)).toMatchObject({ bodies: 4, done: true });
  expect(s.ledger.openRequest(open.id)).toBeDefined();
});

test("a body lives as long as its retention, and at most one bucket width longer", () => {
  for (const retentionMs of [1, 50, 1000, 60_000, HOUR_MS, DAY_MS, 30 * DAY_MS, 3650 * DAY_MS]) {
    const widthMs = bucketWidthMs(retentionMs);
    expect(widthMs).toBeLessThanOrEqual(Math.max(100, Math.min(HOUR_MS, retentionMs / 24)));
    for (const nowMs of [0, 1, 1_800_000_000_000, 1_800_000_123_457]) {
      const endMs = bucketFor(nowMs, retentionMs);
      expect(endMs).toBeGreaterThanOrEqual(nowMs + retentionMs);
      expect(endMs).toBeLessThan(nowMs + retentionMs + widthMs);
    }
  }
  expect(bucketFor(1_800_000_000_000, Number.MAX_SAFE_INTEGER)).toBe(2 ** 48 - 1);
});

test("pruning gives pages back that a killed reader kept, so that the file stops growing", async () => {
  await using s = await scene();
  const round = async () => {
    for (let i = 0; i < 20; i++) {
      await reserveAndSettle(s.ledger, { payload: "x".repeat(100_000) });
    }
    s.clock.pass(3 * DAY_MS);
    await s.ledger.prune(1000);
    return s.ledger.statistics().fileBytes;
  };
  await round();
  const script = new URL("read_and_hold.ts", import.meta.url).pathname;
  const reading = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, s.stateDir],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = reading.stdout.getReader();
  await output.read();
  reading.kill("SIGKILL");
  await output.cancel();
  await reading.status;
  await round();
  const settled = await round();
  for (let i = 0; i < 5; i++) await round();
  expect(await round()).toBeLessThanOrEqual(settled);
});
