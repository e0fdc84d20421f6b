/**
 * The executor's signing keys: made on first start, or handed over as systemd credentials; PKCS#8 PEM as
 * `openssl genpkey -algorithm ed25519` writes it (RFC 8410, section 7).
 *
 * Invariants:
 * - K1 The key that signs is the one the log names: the newest `key` receipt, or nothing is signed at all.
 * - K2 A private key is only ever in a file of mode 0600 that this user owns, and in this module's signing key.
 */

import {
  base64Decode,
  base64Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  utf8Encode,
  writeAllSync,
} from "../core/bytes.ts";
import { publicKeyOf, type SigningKey, signingKeyOf } from "../core/ed25519.ts";
import { formatPublicKey } from "../core/public_key.ts";
import { StartupError } from "../core/startup_error.ts";
import type { LogReader } from "../ledger/types.ts";
import { keyidOf } from "../log/keyid.ts";
import { decodeReceipt } from "../log/receipt.ts";

const PKCS8_PREFIX = hexDecode("302e020100300506032b657004220420") ?? new Uint8Array();
const FILE = "executor.key";
/** A key waiting to take over: the log first records it, signed by the one it follows. */
const NEXT_FILE = "executor.next.key";

export interface ExecutorKeys {
  readonly current: SigningKey;
  /** Set when a rotation was asked for. */
  readonly next: SigningKey | null;
  /** Called once the rotation is in the log: from then on `next` is current. */
  adoptNext(): void;
}

/**
 * Keys of the credentials directory where it has one, else of `<state>/keys`, where the first is made.
 * `recorded` is the keyid that the log says is current (`currentKeyid`), or null for an empty log.
 */
export function loadExecutorKeys(
  stateDir: string,
  credentialsDir: string | null,
  recorded: string | null,
): ExecutorKeys {
  const directory = keyDirectory(stateDir);
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const seeds = readSeeds(stateDir, credentialsDir);
  const { kept, keptNext, given, givenNext } = seeds;
  const current = recorded === null
    ? given ?? kept ?? makeKey(`${directory}/${FILE}`)
    : recordedSeed(seeds, recorded);
  const next = [givenNext, keptNext].find((seed) => seed && !equalBytes(seed, current)) ?? null;
  const promote = (seed: Uint8Array | null) => {
    if (keptNext === null || seed !== keptNext) return;
    writeKey(`${directory}/${FILE}`, keptNext);
    removeIfThere(`${directory}/${NEXT_FILE}`);
  };
  promote(current); // a crash came between the log's record of the rotation and the renaming of the files
  return {
    current: signingKeyOf(current),
    next: next === null ? null : signingKeyOf(next),
    adoptNext: () => promote(next),
  };
}

/** Whether the log can go on with a key that is here. Throws a StartupError where it cannot; changes nothing. */
export function checkExecutorKey(
  stateDir: string,
  credentialsDir: string | null,
  recorded: string,
): void {
  recordedSeed(readSeeds(stateDir, credentialsDir), recorded);
}

function keyDirectory(stateDir: string): string {
  return `${stateDir}/keys`;
}

/** Of 32 bytes each: those kept in the state directory, and those handed over as credentials. */
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
  if (!seed) throw keyLost();
  return seed;
}

/** Leaves the public key where `openexec verify` finds it: `<state>/executor.pub`, one line. */
export function writePublicKey(stateDir: string, publicKey: Uint8Array): void {
  Deno.writeTextFileSync(`${stateDir}/executor.pub`, `${formatPublicKey(publicKey)}\n`, {
    mode: 0o644,
  });
}

/** The keyid that the newest entry of the log was signed with, or that it announces; null for an empty log. */
export function currentKeyid(log: LogReader): string | null {
  const newest = log.leaf(log.size() - 1);
  if (newest === undefined) return null;
  const receipt = decodeReceipt(newest.body);
  return receipt?.kind === "key" ? receipt.new_keyid : newest.keyid;
}

function keyLost(): StartupError {
  return new StartupError(
    "the log was signed by an executor key that is no longer here",
    "put the key back as keys/executor.key in the state directory or as the credential executor.key; " +
      "without it the log cannot go on",
  );
}

function makeKey(path: string): Uint8Array {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  writeKey(path, seed);
  return seed;
}

/** Written beside and renamed, so that a crash leaves the old key or the new one, never half of one. */
function writeKey(path: string, seed: Uint8Array): void {
  const lines = base64Encode(concatBytes(PKCS8_PREFIX, seed));
  const temporary = `${path}.new`;
  removeIfThere(temporary);
  using file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o600 });
  const text = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
  writeAllSync(file, utf8Encode(text));
  file.syncDataSync();
  Deno.renameSync(temporary, path);
  using directory = Deno.openSync(path.slice(0, path.lastIndexOf("/")), { read: true });
  directory.syncSync();
}

/** `strict`: a file of ours must not be open to anyone else; systemd guards its credentials itself. */
function readKey(path: string, strict: boolean): Uint8Array | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const mode = Deno.statSync(path).mode ?? 0;
  if (strict && (mode & 0o077) !== 0) {
    throw new StartupError(`${path} is open to others`, `chmod 600 ${path}`);
  }
  const match = /^-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)-----END PRIVATE KEY-----\s*$/
    .exec(text);
  const der = base64Decode((match?.[1] ?? "").replaceAll("\n", ""));
  if (der?.length !== 48 || !equalBytes(der.subarray(0, 16), PKCS8_PREFIX)) {
    throw new StartupError(
      `${path} is no Ed25519 key`,
      "make one with: openssl genpkey -algorithm ed25519",
    );
  }
  return der.slice(16);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
