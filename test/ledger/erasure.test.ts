import { Buffer } from "node:buffer";
import { join } from "node:path";
import { expect, test } from "vitest";
import { base64Encode, utf8Encode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import { openStore } from "../../src/ledger/open.ts";
import { SealedBodies } from "../../src/ledger/vault/bodies.ts";
import { Vault } from "../../src/ledger/vault/keys.ts";
import { bodyOrCode, DAY_MS, reservation, scene, settlement } from "./scene.ts";
import { temporaryFolder } from "./temporary.ts";

/** Every file below `folder`, each byte as a character: texts are quick to search. */
function filesBelow(folder: string): { path: string; text: string }[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? filesBelow(path) : [{ path, text: latin1(Deno.readFileSync(path)) }];
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The ways in which bytes are written down. */
function spellings(bytes: Uint8Array): string[] {
  const base64 = base64Encode(bytes).replaceAll("=", "");
  const urlSafe = base64.replaceAll("+", "-").replaceAll("/", "_");
  return [latin1(bytes), bytes.toHex(), bytes.toHex().toUpperCase(), base64, urlSafe];
}

function found(folder: string, needles: Record<string, Uint8Array>): string[] {
  const files = filesBelow(folder);
  return Object.entries(needles).flatMap(([what, bytes]) =>
    files.filter(({ text }) => spellings(bytes).some((spelling) => text.includes(spelling)))
      .map(({ path }) => `${what} in ${path}`)
  );
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(join(from, name), join(to, name));
    else Deno.copyFileSync(join(from, name), join(to, name));
  }
}

const payload = '{"action":"charge_card","payload":{"card":"4000-0000-0000-0002"}}';
const result = '{"charged":"secret-result-of-it"}';
const requestSalt = crypto.getRandomValues(new Uint8Array(32));
const resultSalt = crypto.getRandomValues(new Uint8Array(32));
const bodyDigest = crypto.getRandomValues(new Uint8Array(32));
const approvalText = '{"payload":"envelope-of-the-approval"}';

/** Whatever reveals a body or confirms a guess of it. */
const revealing = {
  payload: utf8Encode("4000-0000-0000-0002"),
  result: utf8Encode("secret-result-of-it"),
  envelope: utf8Encode("envelope-of-the-approval"),
  "salt of the request": requestSalt,
  "salt of the result": resultSalt,
  "digest of the request": sha256(utf8Encode(payload)),
  "digest of the result": sha256(utf8Encode(result)),
  "digest of the envelope": sha256(utf8Encode(approvalText)),
  "digest of the approval's body": bodyDigest,
};

test("no byte of the state directory reveals a body or confirms a guess of it, at any time", async () => {
  await using s = await scene();
  const asked = { payload, salt: requestSalt, approvalText, nonce: "a-nonce-to-be-found" };
  const stored = [];
  for (const payloadMs of [DAY_MS, null]) {
    const claim = { jti: `several-${payloadMs}`, uses: 3, bodyDigest };
    const { id } = await s.ledger.reserve(
      reservation({ ...asked, nonce: `${asked.nonce}-${payloadMs}`, claim, payloadMs }),
    );
    await s.ledger.settle(settlement(id, { result: { canonical: result, salt: resultSalt } }));
    stored.push(id);
  }
  const look = () => found(s.stateDir, revealing);
  expect(found(s.stateDir, { nonce: utf8Encode(asked.nonce) })).not.toEqual([]);
  expect(look()).toEqual([]);
  expect(s.ledger.openRequest(stored[0] ?? "")?.canonical).toBe(payload);
  await s.ledger.backup(join(s.stateDir, "backup"));
  expect(look()).toEqual([]);
  await s.reopen();
  expect(look()).toEqual([]);
  s.clock.pass(3 * DAY_MS);
  await s.ledger.prune(1000);
  expect(look()).toEqual([]);
  await s.ledger.close();
  expect(look()).toEqual([]);
});

test("a copy made before the pruning opens nothing without the keys that were destroyed", async () => {
  await using s = await scene();
  const { id } = await s.ledger.reserve(reservation({ payload, salt: requestSalt, approvalText }));
  await s.ledger.settle(settlement(id, { result: { canonical: result, salt: resultSalt } }));
  await s.reopen();
  const copy = join(temporaryFolder(), "copy");
  copyFolder(s.stateDir, copy);
  s.clock.pass(3 * DAY_MS);
  await s.ledger.prune(1000);
  await s.ledger.close();

  const opened = async (stateDir: string) => {
    await using other = await scene({ stateDir });
    const { ledger } = other;
    const result = await ledger.readResult(id).then((body) => () => body, (error) => () => {
      throw error;
    });
    return [bodyOrCode(() => ledger.openRequest(id)), bodyOrCode(result)];
  };
  const withItsKeys = join(temporaryFolder(), "with-keys");
  copyFolder(copy, withItsKeys);
  expect(await opened(withItsKeys)).toEqual([payload, result]);
  Deno.removeSync(join(copy, "vault"), { recursive: true });
  copyFolder(join(s.stateDir, "vault"), join(copy, "vault"));
  expect(await opened(copy)).toEqual(["ledger_unavailable", "ledger_unavailable"]);
});

test("short payloads cannot be told apart by the size of what is stored", async () => {
  const stateDir = temporaryFolder();
  await (await scene({ stateDir })).ledger.close();
  const store = await openStore({ directory: join(stateDir, "ledger") });
  const bodies = new SealedBodies(store.tables, await Vault.open(join(stateDir, "vault")), {
    nowMs: () => 0,
  });
  const sizes = new Set<number>();
  for (const guess of ["yes", "no", "an answer that is longer than that"]) {
    const body = { canonical: `{"answer":"${guess}"}`, salt: requestSalt, approvalText: null };
    const sealed = await bodies.sealRequest(new Uint8Array(16), body, 0, DAY_MS);
    sizes.add(sealed?.bytes.length ?? 0);
  }
  await store.close();
  expect(sizes.size).toBe(1);
});
