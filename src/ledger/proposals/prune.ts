/**
 * Removes proposals that never ran, with their nonces and the revocations of their approvals, once
 * retention is over and each of these approvals has expired. One that ran stays, as its execution
 * does.
 */

import { findApproval } from "../approvals.ts";
import { type LedgerParts, OPERATOR_ATTEMPTS, write } from "../parts.ts";
import { approvalKey, ownExecutionKey } from "../store/keys.ts";
import type { Tables } from "../store/table.ts";
import { findProposal } from "./find.ts";
import {
  endedUntil,
  proposalIdOf,
  proposalNonceKey,
  proposalPeerKey,
  undeliveredKey,
} from "./keys.ts";
import type { ProposalRecord } from "./types.ts";

const ROWS_PER_TRANSACTION = 128;

/** Removes all that may go at `nowMs`, in small transactions. */
export async function pruneProposals(ledger: LedgerParts, nowMs: number): Promise<void> {
  const { tables } = ledger;
  for (;;) {
    const due = { ...endedUntil(nowMs), limit: ROWS_PER_TRANSACTION };
    if ([...tables.index.keys({ ...due, limit: 1 })].length === 0) return;
    await write(ledger, OPERATOR_ATTEMPTS, () => {
      for (const key of [...tables.index.keys(due)]) {
        const stored = findProposal(tables, proposalIdOf(key));
        if (stored !== undefined) remove(tables, stored.record);
        tables.index.remove(key);
      }
    });
  }
}

/** Runs inside a transaction. */
function remove(
  tables: Tables,
  { id, nonce, client, peer: { uid }, collected }: ProposalRecord,
): void {
  const key = ownExecutionKey(id);
  for (const { iss, jti } of collected) {
    const approval = approvalKey(iss, jti);
    const { usesTaken, firstExecution } = findApproval(tables, approval);
    if (usesTaken === 0 && firstExecution === key.toHex()) tables.claims.remove(approval);
  }
  tables.proposals.remove(key);
  tables.index.remove(proposalNonceKey(uid, nonce));
  tables.index.remove(proposalPeerKey(uid, key));
  if (client !== null) tables.index.remove(undeliveredKey(uid, client, key));
}
