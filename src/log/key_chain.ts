/**
 * The executor's keys, as the log tells them. Entry 0 is a `key` receipt that the key it names has
 * signed. Each later `key` receipt is signed by the key before, and the key that it names signs
 * from the next entry on.
 */

import { isAdmissibleKey } from "../core/keys/ed25519.ts";
import { parseReceiptKey } from "./keyid.ts";
import type { Receipt } from "./receipt.ts";

export interface ChainedKey {
  readonly keyid: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Index of the entry that names it. */
  readonly since: number;
}

export class KeyChain {
  readonly keys: ChainedKey[] = [];

  /**
   * Returns the key that must have signed entry `index`, which carries `keyid` and `receipt`.
   * Returns undefined where the log gives another key, or the receipt names one that cannot sign.
   */
  follow(index: number, keyid: string, receipt: Receipt): Uint8Array | undefined {
    const named = receipt.kind === "key"
      ? keyOf(receipt.new_public_key, receipt.new_keyid, index)
      : null;
    if (named === undefined) return undefined;
    const signer = index === 0 ? named : this.keys.at(-1);
    if (signer?.keyid !== keyid) return undefined;
    if (named !== null) this.keys.push(named);
    return signer.publicKey;
  }
}

function keyOf(text: string, keyid: string, since: number): ChainedKey | undefined {
  const publicKey = parseReceiptKey(text);
  return publicKey !== undefined && isAdmissibleKey(publicKey)
    ? { keyid, publicKey, since }
    : undefined;
}
