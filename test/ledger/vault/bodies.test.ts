import { type Text, utf8Encode } from "../../../src/core/bytes.ts";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { restoreLedger } from "../../../src/ledger/restore.ts";
import {
  bodyOrCode,
  DAY_MS,
  HOUR_MS,
  reservation,
  type Scene,
  scene,
  settlement,
} from "../scene.ts";
import { temporaryFolder } from "../temporary.ts";

/** Stores a request in a bucket of its own, and returns its id and the bucket's key. */
async function stored(s: Scene): Promise<{ id: string; key: string }> {
  const before = new Set(keysOf(s));
  const { id } = await s.ledger.reserve(reservation());
  await s.ledger.settle(settlement(id, { result: null, resultCommitment: null, status: "failed" }));
  const [key] = keysOf(s).filter((path) => !before.has(path));
  if (key === undefined) throw new Error("no key was made");
  return { id, key };
}

function keysOf({ stateDir }: Scene): string[] {
  const vault = join(stateDir, "vault");
  return Array.from(Deno.readDirSync(vault), ({ name }) => join(vault, name));
}

function requestOf({ ledger }: Scene, id: string): Text {
  return bodyOrCode(() => ledger.openRequest(id)) ?? "pruned";
}

const UNREADABLE = "ledger_unavailable";

test("a key that is lost is an error, and no pruned body, until the body has expired", async () => {
  await using s = await scene();
  const { id, key } = await stored(s);
  Deno.removeSync(key);
  await s.reopen();
  expect(requestOf(s, id)).toBe(UNREADABLE);
  expect(s.ledger.unreadableBuckets()).toBe(1);
  s.clock.pass(DAY_MS);
  await s.ledger.prune(100);
  expect(requestOf(s, id)).toBe("pruned");
  expect(s.ledger.unreadableBuckets()).toBe(0);
});

test("keys that were swapped or cut short are errors, and stay as they are", async () => {
  await using s = await scene();
  const one = await stored(s);
  s.clock.pass(2 * HOUR_MS);
  const two = await stored(s);
  s.clock.pass(2 * HOUR_MS);
  const short = await stored(s);
  Deno.renameSync(one.key, `${one.key}.aside`);
  Deno.renameSync(two.key, one.key);
  Deno.renameSync(`${one.key}.aside`, two.key);
  Deno.truncateSync(short.key, 31);
  await s.reopen();
  expect([one, two, short].map(({ id }) => requestOf(s, id))).toEqual(
    [UNREADABLE, UNREADABLE, UNREADABLE],
  );
  expect(s.ledger.unreadableBuckets()).toBe(3);
  expect(Deno.statSync(short.key).size).toBe(31);
});

test("a pipe or a folder in the place of a key stops no start", async () => {
  await using s = await scene();
  const pipe = await stored(s);
  Deno.removeSync(pipe.key);
  execFileSync("mkfifo", [pipe.key, join(s.stateDir, "vault", "1.key.draft")]);
  Deno.mkdirSync(join(s.stateDir, "vault", "2.key"));
  await s.reopen();
  expect(requestOf(s, pipe.id)).toBe(UNREADABLE);
});

test("what a restore brings to a host without its keys shows as pruned there", async () => {
  await using s = await scene();
  const { id } = await stored(s);
  const backupDir = join(temporaryFolder(), "backup");
  await s.ledger.backup(backupDir);
  const { clock } = s;
  const stateDir = join(temporaryFolder(), "state");
  await restoreLedger({ backupDir, stateDir, clock });
  await using there = await scene({ stateDir, clock });
  expect([requestOf(there, id), there.ledger.unreadableBuckets()]).toEqual(["pruned", 0]);

  await s.ledger.close();
  await restoreLedger({ backupDir, stateDir: s.stateDir, clock });
  const again = await s.reopen();
  expect(again.openRequest(id)).toBeDefined();
});

test("a large body is opened on another thread, weighed before, and its meter runs meanwhile", async () => {
  await using s = await scene();
  const elsewhere = vi.spyOn(crypto.subtle, "decrypt");
  const asked = reservation();
  const canonical = JSON.stringify({ action: "echo", payload: { text: "x".repeat(2 ** 20) } });
  const { id } = await s.ledger.reserve({ ...asked, body: { ...asked.body, canonical } });
  const seen: string[] = [];
  const size = (bytes: number) => bytes > 2 ** 20 ? "large" : "small";
  const read = s.ledger.readRequest(id, {
    weigh: (bytes) => void seen.push(`${size(bytes)} held`),
    work: (bytes) => {
      seen.push(`${size(bytes)} begins`);
      return () => void seen.push("ends");
    },
  });
  expect(seen).toEqual(["large held", "large begins"]);
  expect((await read)?.canonical).toEqual(utf8Encode(canonical));
  expect(seen).toEqual(["large held", "large begins", "ends"]);
  expect(elsewhere).toHaveBeenCalledOnce();
  elsewhere.mockRestore();
});
