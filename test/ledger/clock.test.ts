import { join } from "node:path";
import { expect, test } from "vitest";
import { openLedger } from "../../src/ledger/open.ts";
import { DAY_MS, HOUR_MS, reserveAndSettle, scene } from "./scene.ts";
import { temporaryFolder } from "./temporary.ts";

const MINUTE_MS = 60_000;
const RETENTION = { payloadMs: 10 * HOUR_MS, resultMs: 10 * HOUR_MS };

test("time never goes back, neither while it runs nor across a restart", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger);
  const latest = s.ledger.clock.nowMs();
  s.clock.wallMs -= DAY_MS;
  expect(s.ledger.clock.nowMs()).toBe(latest);
  const { reservedAtMs } = await reserveAndSettle(s.ledger);
  expect(reservedAtMs).toBe(latest);
  const again = await s.reopen();
  expect(again.clock.nowMs()).toBe(latest);
});

test("an idle daemon keeps the time as well, when it prunes and when it ends", async () => {
  await using s = await scene();
  s.clock.pass(5 * DAY_MS);
  await s.ledger.prune(1);
  const pruned = s.clock.wallMs;
  s.clock.wallMs -= DAY_MS;
  expect((await s.reopen()).clock.nowMs()).toBe(pruned);
  s.clock.wallMs += DAY_MS;
  s.clock.pass(2 * DAY_MS);
  const closed = s.clock.wallMs;
  await s.reopen();
  s.clock.wallMs -= 2 * DAY_MS;
  expect((await s.reopen()).clock.nowMs()).toBe(closed);
});

test("every transaction keeps the time, for a daemon that dies and a machine that restarts", async () => {
  await using s = await scene();
  s.clock.pass(5 * HOUR_MS);
  const { reservedAtMs } = await reserveAndSettle(s.ledger);
  const copy = temporaryFolder();
  Deno.mkdirSync(join(copy, "ledger"));
  Deno.copyFileSync(join(s.stateDir, "ledger/data.mdb"), join(copy, "ledger/data.mdb"));
  s.clock.reboot(0);
  s.clock.wallMs -= DAY_MS;
  const after = await openLedger({
    stateDir: copy,
    executorId: null,
    mode: "enforced",
    clock: s.clock,
  });
  expect(after.clock.nowMs()).toBe(reservedAtMs);
  await after.close();
});

test("a daemon that died before it wrote down the time still does not go back behind what the machine was up for", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger);
  const committed = s.ledger.clock.nowMs();
  const copy = temporaryFolder();
  Deno.mkdirSync(join(copy, "ledger"));
  Deno.copyFileSync(join(s.stateDir, "ledger/data.mdb"), join(copy, "ledger/data.mdb"));
  s.clock.upMs += HOUR_MS;
  s.clock.wallMs -= DAY_MS;
  const open = () =>
    openLedger({ stateDir: copy, executorId: null, mode: "enforced", clock: s.clock });
  const after = await open();
  expect(after.clock.nowMs()).toBe(committed + HOUR_MS - 1000);
  await after.close();
  s.clock.reboot(5 * HOUR_MS);
  const rebooted = await open();
  expect(rebooted.clock.nowMs()).toBeGreaterThanOrEqual(committed + 6 * HOUR_MS - 2000);
  await rebooted.close();
});

test("a forward jump of over an hour against uptime pauses pruning until it is asked for", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  s.clock.wallMs += 11 * HOUR_MS;
  expect(await s.ledger.prune(100)).toEqual({ bodies: 0, buckets: 0, done: true });
  expect(s.ledger.health().pruningPaused).toBe(true);
  expect(s.ledger.openRequest(id)).toBeDefined();
  const again = await s.reopen();
  s.clock.pass(HOUR_MS);
  expect(await again.prune(100)).toMatchObject({ bodies: 0 });
  expect(await again.prune(100, true)).toMatchObject({ done: true });
  expect(again.openRequest(id)).toBeUndefined();
  expect(again.health().pruningPaused).toBe(false);
});

test("a jump is noticed whatever the ledger does first after it", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  s.clock.wallMs += 11 * HOUR_MS;
  await reserveAndSettle(s.ledger);
  s.clock.pass(1000);
  await s.ledger.prune(100);
  expect(s.ledger.openRequest(id)).toBeDefined();
});

test("time that passed while the machine ran, or slept, is no jump", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  s.clock.pass(11 * HOUR_MS);
  const again = await s.reopen();
  await again.prune(100);
  expect(again.openRequest(id)).toBeUndefined();
  expect(again.health().pruningPaused).toBe(false);
});

test("time that passed while the machine was off is no jump: its uptime began anew", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  s.clock.wallMs += 2 * DAY_MS;
  s.clock.reboot(60_000);
  const again = await s.reopen();
  await again.prune(100);
  expect(again.openRequest(id)).toBeUndefined();
});

test("a machine that has been up for longer than before it was off shows no jump either: it is another boot", async () => {
  await using s = await scene();
  s.clock.reboot(2 * MINUTE_MS);
  await s.reopen();
  s.clock.pass(8 * MINUTE_MS);
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  await s.ledger.close();
  s.clock.wallMs += 12 * HOUR_MS;
  s.clock.reboot(2 * HOUR_MS);
  const again = await s.reopen();
  await again.prune(100);
  expect(again.health().pruningPaused).toBe(false);
  expect(again.openRequest(id)).toBeUndefined();
});

test("a boot that nobody knows is the same as no other, itself included", async () => {
  await using s = await scene();
  s.clock.bootId = () => "";
  await s.reopen();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  s.clock.wallMs += 11 * HOUR_MS;
  await s.ledger.prune(100);
  expect(s.ledger.health().pruningPaused).toBe(false);
  expect(s.ledger.openRequest(id)).toBeUndefined();
});

test("how long the machine was up that the state was moved to has not passed since", async () => {
  await using s = await scene();
  await reserveAndSettle(s.ledger);
  const committed = s.ledger.clock.nowMs();
  await s.ledger.close();
  s.clock.wallMs -= MINUTE_MS; // no two clocks agree
  s.clock.reboot(200 * DAY_MS);
  expect((await s.reopen()).clock.nowMs()).toBe(committed);
});

test("a jump of less than an hour prunes nothing that has not expired", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  s.clock.wallMs += HOUR_MS;
  expect(await s.ledger.prune(100)).toMatchObject({ bodies: 0, buckets: 0 });
  expect(s.ledger.openRequest(id)).toBeDefined();
});

test("an uptime that leaps within a boot prunes nothing and ends nothing, and tells by the pause", async () => {
  await using s = await scene();
  const { id } = await reserveAndSettle(s.ledger, RETENTION);
  for (const restarts of [false, true]) {
    s.clock.wallMs += MINUTE_MS;
    s.clock.upMs += 30 * DAY_MS;
    const ledger = restarts ? await s.reopen() : s.ledger;
    expect(await ledger.prune(100)).toMatchObject({ bodies: 0, buckets: 0 });
    expect(ledger.clock.nowMs()).toBe(s.clock.wallMs);
    expect(ledger.health().pruningPaused).toBe(true);
    expect(ledger.openRequest(id)).toBeDefined();
  }
  s.clock.upMs -= 60 * DAY_MS;
  s.clock.pass(MINUTE_MS);
  const again = await s.reopen();
  expect(again.clock.nowMs()).toBe(s.clock.wallMs);
  await again.prune(100, true);
  expect(again.openRequest(id)).toBeDefined();
  expect(again.health().pruningPaused).toBe(false);
});
