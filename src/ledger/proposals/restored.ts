/**
 * Ends what a copy still has waiting: a restore cannot know whether it ran after the copy was made.
 *
 * Only a daemon has the key that signs receipts. So a restore leaves these ends without one, listed
 * as owed, and the next daemon appends their receipts in the transaction that takes them off the
 * list.
 */

import type { SignedReceipt } from "../../log/signed_receipt.ts";
import { appendReceipt } from "../log.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "../parts.ts";
import { ownExecutionKey } from "../store/keys.ts";
import type { Tables } from "../store/table.ts";
import { close } from "./end.ts";
import { findProposal, owed, waiting } from "./find.ts";
import { owedKey } from "./keys.ts";
import { encodeProposal } from "./rows.ts";
import type { ProposalRecord } from "./types.ts";

/** Runs inside the transaction of a restore. Their nonces never start anything: they stay. */
export function endRestored(tables: Tables, nowMs: number): void {
  for (const stored of waiting(tables)) {
    const record: ProposalRecord = {
      ...stored.record,
      status: "refused",
      code: "approval_fenced",
      endedAtMs: nowMs,
      approvedAtMs: null,
      bodies: [],
    };
    close(tables, stored, { record, sealed: null, keptUntilMs: 0, nowMs });
    tables.index.put(owedKey(ownExecutionKey(record.id)), new Uint8Array());
  }
}

/** Appends the receipt of each end that a restore left without one. */
export async function recordOwed(
  ledger: LedgerParts,
  receiptOf: (record: ProposalRecord) => SignedReceipt,
): Promise<void> {
  const { tables } = ledger;
  const missing = owed(tables).map(({ record }) => ({ id: record.id, receipt: receiptOf(record) }));
  if (missing.length === 0) return;
  await write(ledger, OPERATOR_ATTEMPTS, (state) => {
    for (const { id, receipt } of missing) {
      const stored = findProposal(tables, id);
      if (stored === undefined || stored.record.logIndex !== null) continue;
      const key = ownExecutionKey(id);
      const logIndex = appendReceipt(tables, state, receipt);
      const record = { ...stored.record, logIndex };
      tables.proposals.put(key, encodeProposal({ ...stored, record }));
      tables.index.remove(owedKey(key));
    }
  });
}
