/** How receipts and exports name an executor's key. */

import { formatPublicKey, parsePublicKey } from "../core/public_key.ts";
import { digestOf } from "../core/sha.ts";
import type { Digest } from "../core/types.ts";

/** The keyid of an executor's key is the digest of its 32 bytes, so that no two keys ever share one. */
export function keyidOf(publicKey: Uint8Array): Digest {
  return digestOf(publicKey);
}

/** The 32 bytes of `ed25519:BASE64`, or undefined for any other spelling, of which core/public_key.ts knows several. */
export function parseReceiptKey(text: string): Uint8Array | undefined {
  const key = parsePublicKey(text);
  return key !== undefined && formatPublicKey(key) === text ? key : undefined;
}
