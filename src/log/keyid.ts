/** Names and spellings of an executor's key, as receipts and exports have them. */

import { formatPublicKey, parsePublicKey } from "../core/keys/public_key.ts";
import { digestOf } from "../core/sha.ts";
import type { Digest } from "../core/types.ts";

/** Returns the digest of the key's 32 bytes, so that no two keys share a keyid. */
export function keyidOf(publicKey: Uint8Array): Digest {
  return digestOf(publicKey);
}

/** Parses `ed25519:BASE64` into 32 bytes, and no other spelling of core/keys/public_key.ts. */
export function parseReceiptKey(text: string): Uint8Array | undefined {
  const key = parsePublicKey(text);
  return key !== undefined && formatPublicKey(key) === text ? key : undefined;
}
