/**
 * The ledger's log: appends receipts, with the tree nodes they complete, in the transaction of what
 * they are about.
 *
 * Invariant: the log's size in the state and the rows of `leaves` and `nodes` change together.
 */

import type { SignedReceipt } from "../log/signed_receipt.ts";
import { appendedNodes, leafHash } from "../log/tree.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "./parts.ts";
import { leafKey, nodeKey } from "./store/keys.ts";
import { decodeReceipt, encodeReceipt } from "./store/rows.ts";
import type { LedgerState } from "./store/state.ts";
import type { Tables } from "./store/table.ts";
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
  const nodes = appendedNodes(nodeReader(tables), index, leafHash(receipt.body));
  tables.leaves.append(leafKey(index), encodeReceipt(receipt));
  for (const { level, index, hash } of nodes) tables.nodes.append(nodeKey(level, index), hash);
  state.logSize++;
  return index;
}

export function logReader(tables: Tables, size: () => number): LogReader {
  return {
    ...nodeReader(tables),
    size,
    leaf: (index) => {
      const row = isIndex(index) ? tables.leaves.get(leafKey(index)) : undefined;
      return row === undefined ? undefined : decodeReceipt(index, row);
    },
  };
}

function nodeReader(tables: Tables): Pick<LogReader, "node"> {
  return {
    node: (level, index) => isIndex(index) ? tables.nodes.get(nodeKey(level, index)) : undefined,
  };
}

/** A key of six bytes holds twice as much, which leaves place for the nodes above the leaves. */
function isIndex(index: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < 2 ** 46;
}
