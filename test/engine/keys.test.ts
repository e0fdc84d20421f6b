import { afterEach, beforeEach, expect, test } from "vitest";
import { StartupError } from "../../src/core/startup_error.ts";
import { keyidOf } from "../../src/log/keyid.ts";
import { loadExecutorKeys } from "../../src/engine/keys.ts";

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
