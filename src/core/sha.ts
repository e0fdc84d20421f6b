/** SHA-256 and SHA-512 (FIPS 180-4): native where the runtime has them, @noble/hashes elsewhere. Sole owner of the latter. */

import { sha256 as portableSha256, sha512 as portableSha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexDecode, hexEncode } from "./encoding.ts";
import { nativeCrypto } from "./native_crypto.ts";
import type { Digest } from "./types.ts";

/** 32 bytes: the hash of the concatenation of `parts`. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return nativeHash("sha256", parts) ?? Uint8Array.from(portableSha256(concatBytes(...parts)));
}

/** 64 bytes: the hash of the concatenation of `parts`. */
export function sha512(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return nativeHash("sha512", parts) ?? Uint8Array.from(portableSha512(concatBytes(...parts)));
}

function nativeHash(
  algorithm: "sha256" | "sha512",
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> | undefined {
  if (nativeCrypto === undefined) return undefined;
  const hash = nativeCrypto.createHash(algorithm);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest()); // no Buffer, whose slice() and toString() mean something else
}

/** The digest of `bytes`, as text. */
export function digestOf(bytes: Uint8Array): Digest {
  return digestText(sha256(bytes));
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
