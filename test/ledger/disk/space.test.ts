import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { freeBytes } from "../../../src/ledger/disk/free_space.ts";
import { Ballast } from "../../../src/ledger/disk/space.ts";
import { Store } from "../../../src/ledger/store/store.ts";
import {
  DAY_MS,
  receipt,
  refusalOf,
  reservation,
  reserveAndSettle,
  scene,
  settlement,
} from "../scene.ts";
import { MAY_MOUNT, mountSmallDisk, type SmallDisk } from "../small_disk.ts";
import { temporaryFolder } from "../temporary.ts";

const MIB = 2 ** 20;

function smallDisk(bytes: number): SmallDisk {
  const disk = mountSmallDisk(bytes);
  if (disk === undefined) throw new Error("mount(8) worked a moment ago");
  return disk;
}

/** Random, so that nothing compresses it away. */
function incompressible(bytes: number): string {
  let text = "";
  while (text.length < bytes) text += crypto.getRandomValues(new Uint8Array(30_000)).toHex();
  return text.slice(0, bytes);
}

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a commit on a full disk writes nothing, and the next one works",
  async () => {
    using disk = smallDisk(4 * MIB);
    const store = new Store({ directory: join(disk.path, "store") });
    const key = new Uint8Array([1]);
    await store.commit(() => store.tables.meta.put(key, new Uint8Array([1])));
    disk.fill();
    // lmdb-js writes its message about a larger one beyond its buffer, and the process may end
    const row = new Uint8Array(100_000);
    const tooMuch = () => store.tables.sealed.put(key, row);
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => refusalOf(store.commit(tooMuch))),
    );
    expect(outcomes).toEqual(Array(5).fill("storage_full"));
    expect(store.tables.sealed.get(key)).toBeUndefined();
    expect(store.unusable).toBe(false);
    disk.free();
    await store.commit(tooMuch);
    expect(store.tables.sealed.get(key)).toHaveLength(row.length);
    await store.close();
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] on a full disk reserve() refuses, claims nothing, and works again later",
  async () => {
    using disk = smallDisk(16 * MIB);
    await using s = await scene({ stateDir: join(disk.path, "state") });
    await reserveAndSettle(s.ledger);
    disk.fill();
    const asked = reservation({ nonce: "full", claim: { jti: "full" } });
    await expect.poll(() => s.ledger.health().refusing).toBe("storage_full");
    expect(await refusalOf(s.ledger.reserve(asked))).toBe("storage_full");
    expect(await refusalOf(s.ledger.append([receipt("refusal")]))).toBe("storage_full");
    expect(s.ledger.health().refusing).toBe("storage_full");
    expect(s.ledger.findByNonce("full")).toBeUndefined();
    disk.free();
    await expect.poll(() => s.ledger.health().refusing).toBeNull();
    expect(await refusalOf(s.ledger.reserve(asked))).toBe("ok");
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a settlement on a full disk takes the space held back, and new work is refused until it is back",
  async () => {
    using disk = smallDisk(16 * MIB);
    await using s = await scene({ stateDir: join(disk.path, "state") });
    const { id } = await s.ledger.reserve(reservation());
    disk.fill();
    const result = {
      canonical: utf8Encode(`"${incompressible(300_000)}"`),
      salt: new Uint8Array(32),
    };
    await s.ledger.settle(settlement(id, { result }));
    expect(await s.ledger.readResult(id)).toEqual(result);
    expect(s.ledger.health().refusing).toBe("storage_full");
    await s.ledger.setHalted(true, receipt("halt"));
    await s.ledger.setHalted(false, receipt("resume"));
    expect(await refusalOf(s.ledger.reserve(reservation()))).toBe("storage_full");
    disk.free();
    await expect.poll(() => s.ledger.health().refusing).toBeNull();
    await reserveAndSettle(s.ledger);
    expect(await (await s.reopen()).readResult(id)).toEqual(result);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a result whose key does not fit on a full disk is stored all the same",
  async () => {
    using disk = smallDisk(16 * MIB);
    await using s = await scene({ stateDir: join(disk.path, "state") });
    await reserveAndSettle(s.ledger, { payload: incompressible(MIB) });
    s.clock.pass(3 * DAY_MS);
    await s.ledger.prune(1_000); // now rows fit into the data file as it is, and the key does not
    const { id } = await s.ledger.reserve(reservation());
    disk.fill();
    const asked = settlement(id, { retention: { payloadMs: DAY_MS, resultMs: 2 * DAY_MS } });
    await s.ledger.settle(asked);
    expect(await s.ledger.readResult(id)).toEqual(asked.result);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a settlement for which even that is too little waits until there is room",
  async () => {
    using disk = smallDisk(16 * MIB);
    await using s = await scene({ stateDir: join(disk.path, "state") });
    const { id } = await s.ledger.reserve(reservation());
    disk.fill();
    let settled = false;
    const result = {
      canonical: utf8Encode(`"${incompressible(3 * MIB)}"`),
      salt: new Uint8Array(32),
    };
    const settling = s.ledger.settle(settlement(id, { result })).finally(() => settled = true);
    await expect.poll(() => s.ledger.health().refusing).toBe("storage_full");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(settled).toBe(false);
    expect(s.ledger.find(id)?.status).toBe("reserved");
    disk.free();
    await settling;
    expect(await s.ledger.readResult(id)).toEqual(result);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a ledger that filled the disk by itself goes on in its own pages once it is pruned",
  async () => {
    using disk = smallDisk(16 * MIB);
    await using s = await scene({ stateDir: join(disk.path, "state"), resultBytesMax: 2 ** 16 });
    const payload = () => incompressible(400_000);
    let stored = 0;
    while (await refusalOf(reserveAndSettle(s.ledger, { payload: payload() })) === "ok") stored++;
    expect(stored).toBeGreaterThan(5);
    disk.fill();
    // a reservation let in meanwhile would keep its bucket, and all that is to be pruned with it
    await expect.poll(() => s.ledger.health().refusing).toBe("storage_full");
    expect(await refusalOf(s.ledger.reserve(reservation()))).toBe("storage_full");
    s.clock.pass(3 * 24 * 3_600_000);
    await s.ledger.prune(1_000);
    await expect.poll(() => s.ledger.health().refusing).toBeNull();
    for (let again = 0; again < 5; again++) {
      await reserveAndSettle(s.ledger, { payload: payload() });
    }
    expect(s.ledger.statistics().executions).toBeGreaterThanOrEqual(stored + 5);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a backup that does not fit leaves nothing behind",
  async () => {
    using disk = smallDisk(2 * MIB);
    await using s = await scene();
    for (let i = 0; i < 4; i++) await reserveAndSettle(s.ledger, { payload: incompressible(MIB) });
    expect(await refusalOf(s.ledger.backup(join(disk.path, "backup")))).toBe("storage_full");
    expect([...Deno.readDirSync(join(disk.path, "backup"))]).toEqual([]);
    await reserveAndSettle(s.ledger);
  },
);

test.skipIf(!MAY_MOUNT)(
  "[needs mount(8) as root] a settlement that may try only so often is refused on a full disk, and can be made later",
  async () => {
    using disk = smallDisk(16 * MIB);
    await using s = await scene({ stateDir: join(disk.path, "state") });
    const { id } = await s.ledger.reserve(reservation());
    disk.fill();
    const result = {
      canonical: utf8Encode(`"${incompressible(3 * MIB)}"`),
      salt: new Uint8Array(32),
    };
    expect(await refusalOf(s.ledger.settle(settlement(id, { result }), 2))).toBe("storage_full");
    expect(s.ledger.find(id)?.status).toBe("reserved");
    disk.free();
    await s.ledger.settle(settlement(id, { result }), 2);
    expect(s.ledger.find(id)?.status).toBe("succeeded");
  },
);

test("nothing is reserved that could not settle with the largest result allowed", async () => {
  await using s = await scene({ resultBytesMax: 2 ** 50 });
  expect(await refusalOf(s.ledger.reserve(reservation()))).toBe("storage_full");
  expect(s.ledger.health().refusing).toBe("storage_full");
  expect(s.ledger.statistics().executions).toBe(0);
});

test("of reservations that come at once, each counts those before it: no more are let in than could settle", async () => {
  const stateDir = temporaryFolder();
  // of the largest results four fit, and a fifth does not
  const resultBytesMax = Math.floor(freeBytes(stateDir) / 4.5);
  await using s = await scene({ stateDir, resultBytesMax });
  const atOnce = (count: number) =>
    Promise.all(Array.from({ length: count }, () => refusalOf(s.ledger.reserve(reservation()))));
  expect(await atOnce(8)).toEqual([...Array(4).fill("ok"), ...Array(4).fill("storage_full")]);
  for (const { id } of s.ledger.unsettled()) await s.ledger.settle(settlement(id));
  for (let one = 0; one < 4; one++) expect(await atOnce(1)).toEqual(["ok"]);
  expect(await atOnce(1)).toEqual(["storage_full"]);
});

test("a reservation that was refused makes room for the next", async () => {
  const stateDir = temporaryFolder();
  await using s = await scene({ stateDir, resultBytesMax: Math.floor(freeBytes(stateDir) / 2.5) });
  await reserveAndSettle(s.ledger, { nonce: "used" });
  for (let again = 0; again < 3; again++) {
    expect(await refusalOf(s.ledger.reserve(reservation({ nonce: "used" })))).toBe("nonce_reused");
  }
  expect(await refusalOf(s.ledger.reserve(reservation()))).toBe("ok");
});

test("filling ballast again never rejects, whatever is in its way", async () => {
  const directory = temporaryFolder();
  const ballast = await Ballast.open(directory);
  ballast.release();
  const inTheWay = join(directory, "ballast/in-the-way");
  Deno.mkdirSync(inTheWay, { recursive: true });
  await ballast.fill();
  expect(ballast.present).toBe(false);
  Deno.removeSync(join(directory, "ballast"), { recursive: true });
  await ballast.fill();
  expect([ballast.present, Deno.statSync(join(directory, "ballast")).size]).toEqual([
    true,
    ballast.bytes,
  ]);
});

test("a ledger does not open where ballast could never be: it would refuse all work for ever", async () => {
  const stateDir = temporaryFolder();
  Deno.mkdirSync(join(stateDir, "ballast"));
  await expect(scene({ stateDir, resultBytesMax: 2 ** 10 })).rejects.toThrow();
  Deno.removeSync(join(stateDir, "ballast"));
  await using s = await scene({ stateDir, resultBytesMax: 2 ** 10 });
  expect(await refusalOf(s.ledger.reserve(reservation()))).toBe("ok");
});
