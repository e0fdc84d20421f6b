/**
 * The ledger's log: appends receipts, with the tiles they complete, in the transaction of what they
 * are about.
 *
 * Invariant: the log's size in the state and the rows of `log` change together.
 */

import type { SignedReceipt } from "../log/signed_receipt.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "./parts.ts";
import { leafKey } from "./store/keys.ts";
import { decodeReceipt, encodeReceipt } from "./store/rows.ts";
import type { LedgerState } from "./store/state.ts";
import type { Tables } from "./store/table.ts";
import { nodeReader, storeFullTiles } from "./tiles.ts";
import type { LogReader } from "./types.ts";

/** Implements Ledger.append. */
export async function append(
  ledger: LedgerParts,
  receipts: readonly SignedReceipt[],
  urgent: boolean,
): Promise<number> {
  if (!urgent) ledger.space.admitReceipts();
  return await write(ledger, urgent ? OPERATOR_ATTEMPTS : 1, (state) => {
    const first = state.logSize;
    for (const receipt of receipts) appendReceipt(ledger.tables, state, receipt);
    return first;
  });
}

/** Runs inside a transaction; returns the receipt's log index. */
export function appendReceipt(tables: Tables, state: LedgerState, receipt: SignedReceipt): number {
  const index = state.logSize;
  tables.log.insert(leafKey(index), encodeReceipt(receipt));
  state.logSize++;
  storeFullTiles(tables.log, state.logSize);
  return index;
}

export function logReader(tables: Tables, size: () => number): LogReader {
  return {
    ...nodeReader(tables.log),
    size,
    leaf: (index) => {
      const row = isIndex(index) ? tables.log.get(leafKey(index)) : undefined;
      return row === undefined ? undefined : decodeReceipt(index, row);
    },
  };
}

/** A key of six bytes holds more. */
function isIndex(index: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < 2 ** 46;
}
