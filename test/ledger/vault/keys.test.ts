import { join } from "node:path";
import { expect, test } from "vitest";
import { utf8Encode } from "../../../src/core/bytes.ts";
import { Vault } from "../../../src/ledger/vault/keys.ts";
import { temporaryFolder } from "../temporary.ts";

const row = utf8Encode("row");
const secret = utf8Encode("4000 0000 0000 0002");

test("what was sealed opens under the same bucket and row, in this process and the next", async () => {
  const directory = join(temporaryFolder(), "vault");
  const vault = await Vault.open(directory);
  const sealed = await vault.seal(1000, row, secret);
  for (const each of [vault, await Vault.open(directory)]) {
    expect(each.unseal(1000, row, sealed)).toEqual(secret);
    expect(each.unseal(1000, utf8Encode("other"), sealed)).toBeUndefined();
    expect(each.unseal(2000, row, sealed)).toBeUndefined();
    expect(each.unseal(1000, row, sealed.subarray(0, 20))).toBeUndefined();
  }
  const moved = sealed.slice();
  moved[20] = (moved[20] ?? 0) ^ 1;
  expect(vault.unseal(1000, row, moved)).toBeUndefined();
});

test("keys are files that only their owner reads, in a folder that only their owner enters", async () => {
  const directory = join(temporaryFolder(), "vault");
  const vault = await Vault.open(directory);
  await vault.seal(1000, row, secret);
  expect((Deno.statSync(directory).mode ?? 0) & 0o777).toBe(0o700);
  expect((Deno.statSync(join(directory, "1000.key")).mode ?? 0) & 0o777).toBe(0o600);
});

test("many who seal in a new bucket at once share one key", async () => {
  const directory = join(temporaryFolder(), "vault");
  const vault = await Vault.open(directory);
  const sealed = await Promise.all(Array.from({ length: 20 }, () => vault.seal(5, row, secret)));
  const again = await Vault.open(directory);
  expect(sealed.map((each) => again.unseal(5, row, each))).toEqual(sealed.map(() => secret));
  expect(new Set(sealed.map((each) => each.toHex())).size).toBe(20);
});

test("destroy() leaves nothing to read, and may be repeated", async () => {
  const directory = join(temporaryFolder(), "vault");
  const vault = await Vault.open(directory);
  const sealed = await vault.seal(1000, row, secret);
  await vault.destroy(1000);
  await vault.destroy(1000);
  expect(vault.unseal(1000, row, sealed)).toBeUndefined();
  expect([...Deno.readDirSync(directory)]).toEqual([]);
  expect(vault.buckets()).toEqual([]);
});

test("open() finishes what a power cut interrupted and leaves other files alone", async () => {
  const directory = join(temporaryFolder(), "vault");
  const vault = await Vault.open(directory);
  await vault.seal(3, row, secret);
  Deno.writeFileSync(join(directory, "1.key"), new Uint8Array(32));
  Deno.writeFileSync(join(directory, "2.key.draft"), new Uint8Array(32).fill(1));
  Deno.writeFileSync(join(directory, "note.txt"), new Uint8Array(32).fill(1));
  const again = await Vault.open(directory);
  expect(again.buckets()).toEqual([3]);
  expect(Array.from(Deno.readDirSync(directory), ({ name }) => name).sort()).toEqual([
    "3.key",
    "note.txt",
  ]);
});
