/**
 * Seals bytes with AES-256-GCM (NIST SP 800-38D): a nonce of 96 random bits, the ciphertext, a tag
 * of 128 bits.
 *
 * The plaintext is padded to Padmé lengths (Nikitin et al., "Reducing Metadata Leakage from
 * Encrypted Files and Communication with PURBs", 2019, section 4): at most an eighth longer, and
 * the length tells little of what is inside. Nothing is shorter than 256 bytes, because a short
 * payload can be guessed by its length.
 *
 * The runtime has two implementations that make the same bytes. A short plaintext is sealed on this
 * thread, which is cheaper than to hand it over. A long one goes to another thread, so that other
 * requests do not wait for it; so does a long one that is to be opened, where its caller can wait.
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import { concatBytes, pooledConcat } from "../../core/bytes.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

const PADDED_BYTES_MIN = 256;
const LENGTH_BYTES = 4;

/** From this length on, to hand a plaintext over takes less of this thread: 14 us, not 40. */
const LONG_BYTES = 4096;

type Bytes = Uint8Array<ArrayBuffer>;

/** Seals under `key`, 32 bytes; `row` is authenticated with it. */
export async function seal(key: Bytes, row: Uint8Array, clear: Bytes): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  return clear.length < LONG_BYTES
    ? sealHere(key, nonce, row, clear)
    : concatBytes(nonce, await sealElsewhere(key, nonce, row, clear));
}

/** Returns undefined for anything that was not sealed with that key for that row. */
export function unseal(
  key: Uint8Array,
  row: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES));
  decipher.setAAD(row);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const opened = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    return concatBytes(opened, decipher.final());
  } catch {
    return undefined;
  }
}

/** Does what unseal() does, and a long one on another thread. */
export async function unsealAside(
  key: Bytes,
  row: Uint8Array,
  sealed: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (sealed.length < LONG_BYTES) return unseal(key, row, sealed);
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const iv = unshared(sealed.subarray(0, NONCE_BYTES));
  const text = unshared(sealed.subarray(NONCE_BYTES));
  const algorithm = { name: "AES-GCM", iv, additionalData: unshared(row) };
  return await crypto.subtle.decrypt(algorithm, imported, text).then(
    (opened) => new Uint8Array(opened),
    () => undefined,
  );
}

/** Returns the length, then `plaintext`, then zeros. */
export function padded(plaintext: Uint8Array): Bytes {
  const whole = new Uint8Array(paddedLength(LENGTH_BYTES + plaintext.length));
  new DataView(whole.buffer).setUint32(0, plaintext.length);
  whole.set(plaintext, LENGTH_BYTES);
  return whole;
}

/** Returns undefined if the length it begins with does not fit. */
export function unpadded(whole: Uint8Array): Uint8Array | undefined {
  if (whole.length < LENGTH_BYTES) return undefined;
  const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  return LENGTH_BYTES + length <= whole.length
    ? whole.subarray(LENGTH_BYTES, LENGTH_BYTES + length)
    : undefined;
}

export function paddedLength(length: number): number {
  if (length <= PADDED_BYTES_MIN) return PADDED_BYTES_MIN;
  const exponent = Math.floor(Math.log2(length));
  const keptBits = Math.floor(Math.log2(exponent)) + 1;
  const unit = 2 ** (exponent - keptBits);
  return Math.ceil(length / unit) * unit;
}

function sealHere(key: Uint8Array, nonce: Bytes, row: Uint8Array, clear: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(row);
  return pooledConcat(nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag());
}

/** Returns the same bytes as the runtime's ciphers take them; they copy what they are given. */
function unshared(bytes: Uint8Array): Bytes {
  const { buffer, byteOffset, length } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, length)
    : Uint8Array.from(bytes);
}

async function sealElsewhere(
  key: Bytes,
  nonce: Bytes,
  row: Uint8Array,
  clear: Bytes,
): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: Uint8Array.from(row) };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, clear));
}
