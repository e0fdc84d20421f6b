/**
 * The executor's signing keys: made on first start, or handed over as systemd credentials. Files
 * are PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it (RFC 8410 section 7).
 *
 * Invariants:
 * - K1 The key that signs is the one that the log names in its newest `key` receipt. Without it,
 *   nothing is signed.
 * - K2 A signing key is only in a file of mode 0600 that this user owns, and in memory.
 */

import type { Clock } from "../core/clock.ts";
import { base64Decode, equalBytes, utf8Encode } from "../core/bytes.ts";
import {
  PKCS8_HEAD,
  pkcs8Pem,
  publicKeyOf,
  type SigningKey,
  signingKeyOf,
} from "../core/keys/ed25519.ts";
import { formatPublicKey } from "../core/keys/public_key.ts";
import { readRegularText } from "../os/regular_file.ts";
import { StartupError } from "../core/startup_error.ts";
import { replaceFile, writeDurably } from "../ledger/disk/durable_file.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LogReader } from "../ledger/types.ts";
import { keyidOf } from "../log/keyid.ts";
import { decodeReceipt, keyReceipt } from "../log/receipt.ts";
import { signReceipt } from "../log/signed_receipt.ts";
import { readPrivateFile } from "../os/private_file.ts";

const FILE = "executor.key";
/** A key that waits to take over: the log first records it, signed by the key before it. */
const NEXT_FILE = "executor.next.key";

export interface ExecutorKeys {
  readonly current: SigningKey;
  /** Set when a rotation was asked for. */
  readonly next: SigningKey | null;
  /** Makes `next` current; call it once the rotation is in the log. */
  adoptNext(): Promise<void>;
}

/**
 * Loads the keys of the credentials directory where it has one, else those of `<state>/keys`, and
 * makes the first one there. `recorded` is what currentKeyid() says; null for an empty log.
 */
export async function loadExecutorKeys(
  stateDir: string,
  credentialsDir: string | null,
  recorded: string | null,
): Promise<ExecutorKeys> {
  const directory = keyDirectory(stateDir);
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const seeds = readSeeds(stateDir, credentialsDir);
  const { kept, keptNext, given, givenNext } = seeds;
  const current = recorded === null
    ? given ?? kept ?? await makeKey(`${directory}/${FILE}`)
    : recordedSeed(seeds, recorded);
  const next = [givenNext, keptNext].find((seed) => seed && !equalBytes(seed, current)) ?? null;
  const promote = async (seed: Uint8Array | null) => {
    if (keptNext === null || seed !== keptNext) return;
    await writeKey(`${directory}/${FILE}`, keptNext);
    await removeIfThere(`${directory}/${NEXT_FILE}`);
  };
  // A crash may have come between the log's record of the rotation and the renaming of the files.
  await promote(current);
  return {
    current: signingKeyOf(current),
    next: next === null ? null : signingKeyOf(next),
    adoptNext: () => promote(next),
  };
}

/** Throws a StartupError where the log cannot go on with a key that is here; changes nothing. */
export function checkExecutorKey(
  stateDir: string,
  credentialsDir: string | null,
  recorded: string,
): void {
  recordedSeed(readSeeds(stateDir, credentialsDir), recorded);
}

/**
 * Announces keys in the log: the first entry names its first key, and a rotation is an entry signed
 * by the old key. Resolves to the key that the log names last, once that entry is on disk.
 */
export async function establishSigningKey(
  { current, next, adoptNext }: ExecutorKeys,
  ledger: Ledger,
  clock: Clock,
): Promise<SigningKey> {
  const announce = async (key: SigningKey) => {
    const receipt = keyReceipt(ledger.executorId, key.publicKey, clock.nowMs());
    await ledger.append([signReceipt(receipt, current)], true);
  };
  if (ledger.log.size() === 0) await announce(current);
  if (next === null) return current;
  await announce(next);
  await adoptNext();
  return next;
}

/** Leaves the public key where `openexec verify` finds it: `<state>/executor.pub`, one line. */
export async function writePublicKey(stateDir: string, publicKey: Uint8Array): Promise<void> {
  const text = `${formatPublicKey(publicKey)}\n`;
  await replaceFile(`${stateDir}/executor.pub`, utf8Encode(text), 0o644);
}

/** The keyid that the log's newest entry announces or is signed with; null for an empty log. */
export function currentKeyid(log: LogReader): string | null {
  const newest = log.leaf(log.size() - 1);
  if (newest === undefined) return null;
  const receipt = decodeReceipt(newest.body);
  return receipt?.kind === "key" ? receipt.new_keyid : newest.keyid;
}

/**
 * Returns the indexes of the log's `key` receipts, the first one first: that of entry 0, and each
 * whose key signed the entries after it. It looks for where a keyid begins, in a number of reads
 * that grows with the logarithm of the log. Where an operator put an old key back, the ones between
 * may be left out.
 */
export function keyEntries(log: LogReader): number[] {
  const last = log.size() - 1;
  const newest = log.leaf(last);
  if (newest === undefined) return [];
  const found = decodeReceipt(newest.body)?.kind === "key" ? [last] : [];
  for (let index = last; index > 0;) found.push(index = announcing(log, index));
  return found.reverse();
}

/** Returns the entry that names the key which signed entry `index`. */
function announcing(log: LogReader, index: number): number {
  const keyid = log.leaf(index)?.keyid;
  if (log.leaf(0)?.keyid === keyid) return 0;
  let [other, own] = [0, index];
  while (own - other > 1) {
    const middle = Math.floor((own + other) / 2);
    if (log.leaf(middle)?.keyid === keyid) own = middle;
    else other = middle;
  }
  return other;
}

function keyDirectory(stateDir: string): string {
  return `${stateDir}/keys`;
}

/** Private keys of 32 bytes: kept in the state directory, or given as credentials. */
type Seeds = Readonly<Record<"kept" | "keptNext" | "given" | "givenNext", Uint8Array | null>>;

function readSeeds(stateDir: string, credentialsDir: string | null): Seeds {
  const directory = keyDirectory(stateDir);
  return {
    kept: readKey(`${directory}/${FILE}`, true),
    keptNext: readKey(`${directory}/${NEXT_FILE}`, true),
    given: credentialsDir === null ? null : readKey(`${credentialsDir}/${FILE}`, false),
    givenNext: credentialsDir === null ? null : readKey(`${credentialsDir}/${NEXT_FILE}`, false),
  };
}

function recordedSeed({ given, kept, givenNext, keptNext }: Seeds, recorded: string): Uint8Array {
  const seed = [given, kept, givenNext, keptNext].find((seed) =>
    seed && keyidOf(publicKeyOf(seed)) === recorded
  );
  if (seed) return seed;
  throw new StartupError(
    "the log was signed by an executor key that is no longer here",
    "put the key back as keys/executor.key in the state directory, " +
      "or as the credential executor.key; without it the log cannot go on",
  );
}

async function makeKey(path: string): Promise<Uint8Array> {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  await writeKey(path, seed);
  return seed;
}

async function writeKey(path: string, seed: Uint8Array): Promise<void> {
  await writeDurably(path, utf8Encode(pkcs8Pem(seed)));
}

/** `isOurs`: refuse a file that others can read. systemd guards its credentials itself. */
function readKey(path: string, isOurs: boolean): Uint8Array | null {
  const text = isOurs ? readPrivateFile(path) : readIfThere(path);
  if (text === null) return null;
  const match = /^-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END PRIVATE KEY-----\s*$/
    .exec(text);
  const der = base64Decode((match?.[1] ?? "").replaceAll("\n", ""));
  if (der?.length !== 48 || !equalBytes(der.subarray(0, 16), PKCS8_HEAD)) {
    throw new StartupError(
      `${path} is no Ed25519 key`,
      "make one with: openssl genpkey -algorithm ed25519",
    );
  }
  return der.slice(16);
}

function readIfThere(path: string): string | null {
  try {
    return readRegularText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
