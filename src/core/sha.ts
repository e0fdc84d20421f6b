/** SHA-256 and SHA-512 (FIPS 180-4): native where the runtime has them, @noble/hashes elsewhere. Sole owner of the latter. */

import { sha256 as portableSha256, sha512 as portableSha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexDecode, hexEncode } from "./bytes.ts";
import { nativeCrypto } from "./native_crypto.ts";
import { Slab } from "./slab.ts";
import type { Digest } from "./types.ts";

/** 32 bytes: the hash of the concatenation of `parts`. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return nativeHash("sha256", parts) ?? Uint8Array.from(portableSha256(concatBytes(...parts)));
}

/** 64 bytes: the hash of the concatenation of `parts`. */
export function sha512(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return nativeHash("sha512", parts) ?? Uint8Array.from(portableSha512(concatBytes(...parts)));
}

type Algorithm = "sha256" | "sha512";

function nativeHash(
  algorithm: Algorithm,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> | undefined {
  const hex = hexOfHash(algorithm, parts);
  if (hex !== undefined) return bytesOfHex(hex);
  const hash = nativeCrypto()?.createHash(algorithm);
  if (hash === undefined) return undefined;
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest()); // no Buffer, whose slice() and toString() mean something else
}

/**
 * In one call, which Node has from 20.12 on, and as hex: to make a hash object, or a Buffer for the digest, takes the
 * runtime longer than to hash a receipt.
 */
function hexOfHash(algorithm: Algorithm, parts: readonly Uint8Array[]): string | undefined {
  const hash: ((algorithm: Algorithm, data: Uint8Array) => string) | undefined = nativeCrypto()
    ?.hash;
  return hash?.(algorithm, joined(parts));
}

const slab = new Slab(4096);
const setFromHex: ((this: Uint8Array, hex: string) => unknown) | undefined =
  Uint8Array.prototype.setFromHex;

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> | undefined {
  if (setFromHex === undefined) return hexDecode(hex);
  const bytes = slab.take(hex.length / 2);
  setFromHex.call(bytes, hex);
  return bytes;
}

/** Used again and again, because to allocate it takes as long as to hash it. */
const scratch = new Uint8Array(4096);

/** To be read before the next call. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  let length = 0;
  for (const part of parts) {
    if (length + part.length > scratch.length) return concatBytes(...parts);
    scratch.set(part, length);
    length += part.length;
  }
  return scratch.subarray(0, length);
}

/** The digest of `bytes`, as text. */
export function digestOf(bytes: Uint8Array): Digest {
  const hex = hexOfHash("sha256", [bytes]);
  return hex === undefined ? digestText(sha256(bytes)) : `sha256:${hex}`;
}

/** `hash` is 32 bytes. */
export function digestText(hash: Uint8Array): Digest {
  return `sha256:${hexEncode(hash)}`;
}

const PREFIX = "sha256:";

export function isDigest(text: string): text is Digest {
  return parseDigest(text) !== undefined;
}

/** The 32 bytes, or undefined when `text` is not `sha256:` and 64 lower-case hex digits. */
export function parseDigest(text: string): Uint8Array | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const bytes = hexDecode(text.slice(PREFIX.length));
  return bytes?.length === 32 ? bytes : undefined;
}
