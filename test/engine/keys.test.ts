import { afterEach, beforeEach, expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { keyidOf } from "../../src/log/keyid.ts";
import { keyEntries, loadExecutorKeys } from "../../src/engine/keys.ts";
import { signingKeyOf } from "../../src/core/keys/ed25519.ts";
import { adminReceipt, keyReceipt } from "../../src/log/receipt.ts";
import { signReceipt } from "../../src/log/signed_receipt.ts";

let state: string;
let credentials: string;
beforeEach(() => {
  state = Deno.makeTempDirSync();
  credentials = Deno.makeTempDirSync();
});
afterEach(() => {
  for (const folder of [state, credentials]) Deno.removeSync(folder, { recursive: true });
});

/** A key as openssl would write it, in a folder of its own. */
async function makeKeyFile(path: string): Promise<Uint8Array> {
  const elsewhere = Deno.makeTempDirSync();
  const { current } = await loadExecutorKeys(elsewhere, null, null);
  Deno.copyFileSync(`${elsewhere}/keys/executor.key`, path);
  Deno.removeSync(elsewhere, { recursive: true });
  return current.publicKey;
}

test("the first start makes a key of mode 0600, the next finds the same", async () => {
  const { current } = await loadExecutorKeys(state, null, null);
  expect((Deno.statSync(`${state}/keys/executor.key`).mode ?? 0) & 0o777).toBe(0o600);
  const again = await loadExecutorKeys(state, null, keyidOf(current.publicKey));
  expect(again.current.publicKey).toEqual(current.publicKey);
});

test("a credential is taken before a key is made", async () => {
  const given = await makeKeyFile(`${credentials}/executor.key`);
  const { current } = await loadExecutorKeys(state, credentials, null);
  expect(current.publicKey).toEqual(given);
});

test("a log whose key is gone refuses to go on", async () => {
  await loadExecutorKeys(state, null, null);
  await expect(loadExecutorKeys(state, null, keyidOf(new Uint8Array(32)))).rejects.toThrow(
    StartupError,
  );
});

test("a key that others can read is refused", async () => {
  const { current } = await loadExecutorKeys(state, null, null);
  Deno.chmodSync(`${state}/keys/executor.key`, 0o640);
  await expect(loadExecutorKeys(state, null, keyidOf(current.publicKey))).rejects.toThrow(
    StartupError,
  );
});

test("a waiting key takes over, also when the crash came between the log's record and the renaming", async () => {
  const { current } = await loadExecutorKeys(state, null, null);
  const waiting = await makeKeyFile(`${state}/keys/executor.next.key`);
  const rotating = await loadExecutorKeys(state, null, keyidOf(current.publicKey));
  expect(rotating.current.publicKey).toEqual(current.publicKey);
  expect(rotating.next?.publicKey).toEqual(waiting);
  const afterCrash = await loadExecutorKeys(state, null, keyidOf(waiting));
  expect(afterCrash.current.publicKey).toEqual(waiting);
  expect(afterCrash.next).toBeNull();
  expect(() => Deno.statSync(`${state}/keys/executor.next.key`)).toThrow(Deno.errors.NotFound);
});

test("adoptNext() leaves the new key in place of the old", async () => {
  const { current } = await loadExecutorKeys(state, null, null);
  const waiting = await makeKeyFile(`${state}/keys/executor.next.key`);
  const rotating = await loadExecutorKeys(state, null, keyidOf(current.publicKey));
  await rotating.adoptNext();
  const adopted = await loadExecutorKeys(state, null, keyidOf(waiting));
  expect(adopted.current.publicKey).toEqual(waiting);
});

const signers = [1, 2, 3].map((byte) => signingKeyOf(new Uint8Array(32).fill(byte)));
const [one = makeSigner(), two = makeSigner(), three = makeSigner()] = signers;
function makeSigner() {
  return signingKeyOf(crypto.getRandomValues(new Uint8Array(32)));
}

/** A log in which each of the keys signs so many entries, the naming of the next one included. */
function logOf(...epochs: readonly (readonly [typeof one, entries: number])[]) {
  const act = { act: "halt", peer: null, atMs: 0, detail: null } as const;
  const leaves = [signReceipt(keyReceipt("e", epochs[0]?.[0].publicKey ?? one.publicKey, 0), one)]
    .slice(0, epochs.length);
  epochs.forEach(([signer, entries], at) => {
    const next = epochs[at + 1]?.[0];
    while (leaves.length < entries) leaves.push(signReceipt(adminReceipt("e", act), signer));
    if (next !== undefined) leaves.push(signReceipt(keyReceipt("e", next.publicKey, 0), signer));
  });
  let reads = 0;
  const log = {
    size: () => leaves.length,
    node: () => undefined,
    leaf: (index: number) => {
      reads++;
      const leaf = leaves[index];
      return leaf === undefined ? undefined : { ...leaf, index };
    },
  };
  return { log, reads: () => reads };
}

test.each(
  [
    ["an empty log", [], []],
    ["one key", [[one, 9]], [0]],
    ["one key that has signed nothing else", [[one, 1]], [0]],
    ["two keys", [[one, 5], [two, 20]], [0, 5]],
    ["a key that was named last and has signed nothing", [[one, 5], [two, 5]], [0, 5]],
    ["keys one after another", [[one, 1], [two, 2], [three, 3]], [0, 1, 2]],
    ["three keys", [[one, 3], [two, 7], [three, 50]], [0, 3, 7]],
  ] as const,
)("keyEntries() finds where the keys of a log are named: %s", (_, epochs, expected) => {
  expect(keyEntries(logOf(...epochs).log)).toEqual(expected);
});

test("keyEntries() reads few entries of a long log", () => {
  const { log, reads } = logOf([one, 1000], [two, 3000]);
  expect(keyEntries(log)).toEqual([0, 1000]);
  expect(reads()).toBeLessThan(50);
});
