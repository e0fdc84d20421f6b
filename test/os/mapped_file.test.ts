import { join } from "node:path";
import { expect, test } from "vitest";
import { Store } from "../../src/ledger/store/store.ts";
import { releaseMappedFile } from "../../src/os/files.ts";

const MIB = 2 ** 20;

/** Memory of this process that is pages of files, in bytes. */
function fileMemory(): number {
  const kibibytes = /^RssFile:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
  return Number(kibibytes) * 1024;
}

function keyOf(number: number): Uint8Array {
  return new Uint8Array([number >> 8, number]);
}

test("releaseMappedFile() gives back what was read through the map, and it can be read again", async () => {
  const directory = Deno.makeTempDirSync();
  const store = new Store({ directory });
  for (let batch = 0; batch < 8; batch++) {
    await store.commit(() => {
      for (let i = 0; i < 32; i++) {
        store.tables.sealed.put(keyOf(32 * batch + i), new Uint8Array(MIB / 4).fill(batch));
      }
    });
  }
  const values = () =>
    Array.from({ length: 256 }, (_, i) => store.tables.sealed.get(keyOf(i))?.[MIB / 8]);
  const before = fileMemory();
  const read = values();
  const mapped = fileMemory();
  expect(mapped - before).toBeGreaterThan(16 * MIB);
  releaseMappedFile(join(directory, "data.mdb"));
  expect(mapped - fileMemory()).toBeGreaterThan(16 * MIB);
  expect(values()).toEqual(read);
  await store.close();
  Deno.removeSync(directory, { recursive: true });
});

test("a store asks for it by itself, every few thousand rows", async () => {
  const directory = Deno.makeTempDirSync();
  const released: string[] = [];
  const store = new Store({ directory, release: (path) => released.push(path) });
  for (let i = 0; i < 10_000; i++) store.tables.meta.get(keyOf(1));
  expect(released).toEqual([join(directory, "data.mdb"), join(directory, "data.mdb")]);
  await store.close();
});
