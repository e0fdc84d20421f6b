/**
 * From keys and log to the one signing key: the log's first entry names its first key, a rotation is an entry signed by the old
 * key, and everything after it is signed by the new one.
 */

import type { Clock } from "../core/clock.ts";
import type { SigningKey } from "../core/ed25519.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { keyReceipt } from "../log/receipt.ts";
import { signReceipt } from "../log/signed_receipt.ts";
import type { ExecutorKeys } from "./keys.ts";

/** Resolves to the signing key that the log names last, once that entry is on disk. */
export async function establishSigningKey(
  keys: ExecutorKeys,
  ledger: Ledger,
  clock: Clock,
): Promise<SigningKey> {
  const { current, next, adoptNext } = keys;
  const announce = async (key: SigningKey) => {
    const receipt = keyReceipt(ledger.executorId, key.publicKey, clock.nowMs());
    await ledger.append([signReceipt(receipt, current)], true);
  };
  if (ledger.log.size() === 0) await announce(current);
  if (next === null) return current;
  await announce(next);
  adoptNext();
  return next;
}
