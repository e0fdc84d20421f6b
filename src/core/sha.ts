/**
 * SHA-256 and SHA-512 (FIPS 180-4), digests as text, and the way to the runtime's cryptography.
 *
 * Sole owner of @noble/hashes, which hashes where the runtime has no `node:crypto`.
 */

import { sha256 as portableSha256, sha512 as portableSha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexDecode, hexEncode } from "./bytes.ts";
import type { Digest } from "./types.ts";

const PREFIX = "sha256:";

export type NativeCrypto = typeof import("node:crypto");

let native: NativeCrypto | null | undefined;

/**
 * Returns the runtime's own cryptography, or null in a browser, which has none: every caller has a
 * portable library to fall back on.
 *
 * It is looked up at run time, because an `import` would keep core from loading in a browser, and
 * on first use, because it is slow to load.
 */
export function nativeCrypto(): NativeCrypto | null {
  return native === undefined
    ? native = globalThis.process?.getBuiltinModule?.("node:crypto") ?? null
    : native;
}

/** Returns 32 bytes, as pooledBytes() has them: the hash of the concatenation of `parts`. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hex = nativeHash("sha256", parts)?.digest("hex"); // for bytes it makes more objects
  const bytes = hex === undefined ? undefined : hexDecode(hex);
  return bytes ?? Uint8Array.from(portableSha256(concatBytes(...parts)));
}

/** Returns 64 bytes, which may be secret: the hash of the concatenation of `parts`. */
export function sha512(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = nativeHash("sha512", parts)?.digest();
  return Uint8Array.from(bytes ?? portableSha512(concatBytes(...parts)));
}

function nativeHash(algorithm: "sha256" | "sha512", parts: readonly Uint8Array[]) {
  const hash = nativeCrypto()?.createHash(algorithm);
  for (const part of parts) hash?.update(part);
  return hash;
}

/** Returns the digest of `bytes`, as text. */
export function digestOf(bytes: Uint8Array): Digest {
  const hex = nativeHash("sha256", [bytes])?.digest("hex");
  return hex === undefined ? digestText(sha256(bytes)) : `${PREFIX}${hex}`;
}

/** `hash` is 32 bytes. */
export function digestText(hash: Uint8Array): Digest {
  return `${PREFIX}${hexEncode(hash)}`;
}

export function isDigest(text: string): text is Digest {
  return parseDigest(text) !== undefined;
}

/** Returns 32 bytes, or undefined unless `text` is `sha256:` and 64 lower-case hex digits. */
export function parseDigest(text: string): Uint8Array | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const bytes = hexDecode(text.slice(PREFIX.length));
  return bytes?.length === 32 ? bytes : undefined;
}
