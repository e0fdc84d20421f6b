/**
 * What a restore owes the log. Only a daemon has the key that signs receipts, so the restore leaves a note in the ledger, and
 * the daemon that starts next exchanges it for a receipt.
 *
 * Invariant: note and receipt change places in one transaction: a restore leaves one receipt, whenever that daemon dies.
 */

import { utf8Encode } from "../core/encoding.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { appendReceipt } from "./log.ts";
import { ByteReader, ByteWriter } from "./store/bytes.ts";
import type { LedgerParts } from "./parts.ts";
import { OPERATOR_ATTEMPTS } from "./disk/space.ts";
import { readState } from "./store/state.ts";
import type { Tables } from "./store/store.ts";

const NOTE_KEY = utf8Encode("restored");

export interface Restoration {
  /** In ms since 1970. */
  readonly atMs: number;
  /** Approvals issued before this second, since 1970, are refused. */
  readonly fenceSeconds: number;
}

/** To be called inside the transaction that sets the fence. */
export function noteRestore(tables: Tables, atMs: number): void {
  tables.meta.put(NOTE_KEY, new ByteWriter(6).u48(atMs).finish());
}

/** The restore that has no receipt yet; null when there was none. */
export function unrecordedRestore(tables: Tables): Restoration | null {
  const note = tables.meta.get(NOTE_KEY);
  if (note === undefined) return null;
  const reader = new ByteReader(note);
  const atMs = reader.u48();
  reader.end();
  return { atMs, fenceSeconds: readState(tables).fenceSeconds };
}

export function recordRestore(
  { tables, commits, room }: LedgerParts,
  receipt: SignedReceipt,
): Promise<void> {
  return room.insist(OPERATOR_ATTEMPTS, () =>
    commits.add((state) => {
      appendReceipt(tables, state, receipt);
      tables.meta.remove(NOTE_KEY);
    }));
}
