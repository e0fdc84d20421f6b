import { join } from "node:path";
import { expect, test } from "vitest";
import { stringOf } from "../../src/core/bytes.ts";
import { LedgerOpenError, type OpenErrorReason } from "../../src/ledger/disk/open_error.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { Store } from "../../src/ledger/store/store.ts";
import type { Table } from "../../src/ledger/store/table.ts";
import {
  reservation,
  reserveAndSettle,
  type Scene,
  scene,
  settlement,
  TestClock,
} from "./scene.ts";
import { temporaryFolder } from "./temporary.ts";

/** Why the ledger did not open, or "opened". */
async function outcomeOf(
  opening: Promise<{ close(): Promise<void> }>,
): Promise<OpenErrorReason | "opened"> {
  try {
    await (await opening).close();
    return "opened";
  } catch (error) {
    if (error instanceof LedgerOpenError) return error.reason;
    throw error;
  }
}

async function closedLedger(executions: number): Promise<string> {
  const stateDir = temporaryFolder();
  await using s = await scene({ stateDir, executorId: "openexec:a" });
  await Promise.all(Array.from({ length: executions }, () => reserveAndSettle(s.ledger)));
  return stateDir;
}

const again = (stateDir: string, options = {}) =>
  openLedger({ stateDir, executorId: null, mode: "enforced", clock: new TestClock(), ...options });

test("a new state directory gets a random executor id and remembers it", async () => {
  const stateDir = join(temporaryFolder(), "deep/state");
  const first = await again(stateDir);
  expect(first.executorId).toMatch(/^openexec:[0-9a-f-]{36}$/);
  await first.close();
  const second = await again(stateDir);
  expect(second.executorId).toBe(first.executorId);
  await second.close();
  expect((Deno.statSync(stateDir).mode ?? 0) & 0o777).toBe(0o700);
  expect((Deno.statSync(join(stateDir, "ledger/data.mdb")).mode ?? 0) & 0o777).toBe(0o600);
});

test("a state directory refuses another executor id and another mode", async () => {
  const stateDir = await closedLedger(0);
  expect(await outcomeOf(again(stateDir, { executorId: "openexec:b" }))).toBe("other_identity");
  expect(await outcomeOf(again(stateDir, { mode: "demo" }))).toBe("other_identity");
  expect(await outcomeOf(again(stateDir, { executorId: "openexec:a" }))).toBe("opened");
});

test("a second daemon is refused with the pid of the first, and let in when that has gone", async () => {
  await using s = await scene();
  const second = openLedger({
    stateDir: s.stateDir,
    executorId: null,
    mode: "enforced",
    clock: s.clock,
  });
  const error = await second.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(LedgerOpenError);
  expect(error).toMatchObject({ reason: "in_use", pid: Deno.pid });
  await s.reopen();
});

test("a child that outlives the daemon does not keep its state directory", async () => {
  const stateDir = temporaryFolder();
  const script = new URL("hold.ts", import.meta.url).pathname;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, stateDir],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = holder.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const childPid = parseInt((await reader.read()).value ?? "", 10);
  expect(await outcomeOf(again(stateDir))).toBe("in_use");
  holder.kill("SIGKILL");
  await holder.status;
  expect(Deno.statSync(`/proc/${childPid}`).isDirectory).toBe(true);
  expect(await outcomeOf(again(stateDir))).toBe("opened");
  Deno.kill(childPid, "SIGKILL");
  await reader.cancel();
});

test("a failed opening leaves the state directory free", async () => {
  const stateDir = await closedLedger(0);
  expect(await outcomeOf(again(stateDir, { mode: "demo" }))).toBe("other_identity");
  expect(await outcomeOf(again(stateDir))).toBe("opened");
});

test("a ledger that is gone from a used state directory is damage, not a fresh start", async () => {
  const stateDir = await closedLedger(1);
  Deno.removeSync(join(stateDir, "ledger/data.mdb"));
  expect(await outcomeOf(again(stateDir))).toBe("damaged");
  Deno.removeSync(join(stateDir, "ledger"), { recursive: true });
  expect(await outcomeOf(again(stateDir))).toBe("damaged");
});

test("a first start that was interrupted is begun again", async () => {
  const stateDir = temporaryFolder();
  Deno.mkdirSync(join(stateDir, "ledger.draft"));
  Deno.writeFileSync(join(stateDir, "ledger.draft/data.mdb"), new Uint8Array(100));
  expect(await outcomeOf(again(stateDir))).toBe("opened");
});

const damages: readonly [string, (path: string, bytes: Uint8Array) => void][] = [
  ["emptied", (path) => Deno.truncateSync(path, 0)],
  ["cut in its first page", (path) => Deno.truncateSync(path, 100)],
  ["cut after its meta pages", (path) => Deno.truncateSync(path, 8192)],
  ["cut in half", (path, { length }) => Deno.truncateSync(path, length / 2)],
  ["cut by a fifth", (path, { length }) => Deno.truncateSync(path, Math.floor(length * 0.8))],
  [
    "overwritten with zeros in the middle",
    (path, bytes) => Deno.writeFileSync(path, bytes.fill(0, bytes.length / 4)),
  ],
  [
    "no database at all",
    (path, { length }) => Deno.writeFileSync(path, new Uint8Array(length).fill(0x5a)),
  ],
  [
    "spoilt in both meta pages",
    (path, bytes) => Deno.writeFileSync(path, bytes.fill(0xff, 24, 64).fill(0xff, 4120, 4160)),
  ],
];

test.each(damages)(
  "a data file that was %s refuses to open, and the process lives",
  async (_, damage) => {
    const stateDir = await closedLedger(60);
    const path = join(stateDir, "ledger/data.mdb");
    damage(path, Deno.readFileSync(path));
    expect(await outcomeOf(again(stateDir))).toBe("damaged");
  },
);

test("a page of a tree that holds another page's bytes is damage", async () => {
  const stateDir = await closedLedger(60);
  const path = join(stateDir, "ledger/data.mdb");
  const bytes = Deno.readFileSync(path);
  for (let at = 8192; at + 8192 <= bytes.length; at += 4096) {
    bytes.copyWithin(at, at + 4096, at + 8192);
  }
  Deno.writeFileSync(path, bytes);
  expect(await outcomeOf(again(stateDir))).toBe("damaged");
});

test.each([
  ["gone", (table: Table, key: Uint8Array) => table.remove(key)],
  ["of an unknown version", (table: Table, key: Uint8Array) => table.put(key, Uint8Array.of(9))],
  ["cut short", (table: Table, key: Uint8Array) => {
    table.put(key, table.get(key)?.subarray(0, -1) ?? key);
  }],
])("a ledger with a row of recent changes that is %s is damaged", async (_, damage) => {
  const stateDir = await closedLedger(1);
  const store = new Store({ directory: join(stateDir, "ledger") });
  await store.commit(() => damage(store.tables.current, new Uint8Array(5)));
  await store.close();
  expect(await outcomeOf(again(stateDir))).toBe("damaged");
});

test("a file that ends before a page it only counts as free opens", async () => {
  await using s = await scene();
  for (let round = 0; round < 12; round++) {
    await Promise.all(Array.from({ length: 30 }, () => reserveAndSettle(s.ledger)));
    s.clock.pass(3 * 24 * 3_600_000);
    await s.ledger.prune(10_000);
  }
  await s.reopen();
  await extendUnused(s);
  await s.reopen();
  expect(s.ledger.statistics().executions).toBe(360);
});

/**
 * Tells LMDB of one more page than there is. It does so itself if the last page became free before
 * it was written.
 */
async function extendUnused(s: Scene): Promise<void> {
  await s.ledger.close();
  const path = join(s.stateDir, "ledger/data.mdb");
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  for (const meta of [24, 4096 + 24]) {
    view.setBigUint64(meta + 120, BigInt(Math.ceil(bytes.length / 4096)), true);
  }
  Deno.writeFileSync(path, bytes);
}

test("the map grows with the ledger", async () => {
  await using s = await scene({ mapBytes: 2 ** 20 });
  const payload = "x".repeat(200_000);
  const reserved = await Promise.all(
    Array.from({ length: 40 }, () => s.ledger.reserve(reservation({ payload }))),
  );
  await Promise.all(reserved.map(({ id }) => s.ledger.settle(settlement(id))));
  expect(s.ledger.statistics().fileBytes).toBeGreaterThan(8_000_000);
  const { ledger } = { ledger: await s.reopen() };
  expect(reserved.every(({ id }) => stringOf(ledger.openRequest(id)?.canonical ?? "") === payload))
    .toBe(true);
});
