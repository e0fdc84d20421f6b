/**
 * AES-256-GCM (NIST SP 800-38D): a nonce of 96 random bits, the ciphertext, a tag of 128 bits.
 *
 * Two implementations of the runtime make the same bytes. A short plaintext is sealed on the spot, which takes less time
 * than to hand it over; a long one by another thread, so that nobody else's request waits for it.
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import { concatBytes } from "../../core/encoding.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

/** Bytes of a plaintext from which on handing it over takes less of this thread: 14 us against 40. */
const LONG_BYTES = 4096;

type Bytes = Uint8Array<ArrayBuffer>;

/** `key` is 32 bytes; `row` is authenticated with it. */
export async function seal(key: Bytes, row: Uint8Array, clear: Bytes): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = clear.length < LONG_BYTES
    ? sealHere(key, nonce, row, clear)
    : await sealElsewhere(key, nonce, row, clear);
  return concatBytes(nonce, sealed);
}

/** undefined when this is not what was sealed with that key for that row. */
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

function sealHere(key: Uint8Array, nonce: Bytes, row: Uint8Array, clear: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(clear.length + TAG_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(row);
  sealed.set(cipher.update(clear));
  cipher.final(); // of a stream cipher, which leaves nothing for the end
  sealed.set(cipher.getAuthTag(), clear.length);
  return sealed;
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
