/** The ledger's part about requests that wait for a person: Ledger.proposals. */

import type { SignedReceipt } from "../../log/signed_receipt.ts";
import { type LedgerParts, write } from "../parts.ts";
import { ownExecutionKey } from "../store/keys.ts";
import { advanceMark } from "../store/state.ts";
import { end, recordOwed } from "./end.ts";
import {
  findProposal,
  findProposalByNonce,
  listProposals,
  openBody,
  openEnvelopes,
  readBody,
  undelivered,
  waiting,
} from "./find.ts";
import type { Meter } from "../../core/types.ts";
import { undeliveredKey } from "./keys.ts";
import { propose, sign } from "./propose.ts";
import { encodeProposal } from "./rows.ts";
import type {
  NewProposal,
  ProposalBody,
  ProposalEnd,
  ProposalFilter,
  ProposalRecord,
  Signing,
} from "./types.ts";

export class ProposalBook {
  constructor(private readonly parts: LedgerParts) {}

  /** Everything that waits, the oldest first. */
  waiting(): ProposalRecord[] {
    return waiting(this.parts.tables).map(({ record }) => record);
  }

  find(id: string): ProposalRecord | undefined {
    return findProposal(this.parts.tables, id)?.record;
  }

  findByNonce(uid: number, nonce: string): ProposalRecord | undefined {
    return findProposalByNonce(this.parts.tables, uid, nonce)?.record;
  }

  /** Lists what that client was not told the end of, the oldest first, at most 1,000. */
  undelivered(uid: number, client: string): ProposalRecord[] {
    return undelivered(this.parts.tables, uid, client).map(({ record }) => record);
  }

  /** Lists the newest first. */
  list(filter: ProposalFilter): ProposalRecord[] {
    return listProposals(this.parts.tables, filter).map(({ record }) => record);
  }

  /** Returns undefined if it was pruned; its `canonical` is empty once it started. */
  openBody(id: string): ProposalBody | undefined {
    const stored = findProposal(this.parts.tables, id);
    return stored === undefined ? undefined : openBody(this.parts.bodies, stored);
  }

  /** Does the same, and leaves the event loop free meanwhile. */
  async readBody(id: string, meter?: Meter): Promise<ProposalBody | undefined> {
    const stored = findProposal(this.parts.tables, id);
    return stored === undefined ? undefined : await readBody(this.parts.bodies, stored, meter);
  }

  /** The envelopes of a waiting proposal's bodies, as JSON texts, in their order. */
  openEnvelopes(id: string): readonly string[] {
    const stored = findProposal(this.parts.tables, id);
    return stored === undefined ? [] : openEnvelopes(this.parts.bodies, stored);
  }

  /** Throws a Refusal: halted, nonce_reused, storage_full, ledger_unavailable. */
  propose(proposal: NewProposal): Promise<ProposalRecord> {
    return propose(this.parts, proposal);
  }

  /** Puts these signatures in place of those before. Throws proposal_over, storage_full. */
  sign(signing: Signing): Promise<ProposalRecord> {
    return sign(this.parts, signing);
  }

  /** Ends it without a run. Throws a Refusal: proposal_over, storage_full, ledger_unavailable. */
  end(ending: ProposalEnd): Promise<ProposalRecord> {
    return end(this.parts, ending);
  }

  /** Notes that its end has reached whom it was for. */
  async deliver(id: string): Promise<void> {
    const { tables } = this.parts;
    await write(this.parts, 1, () => {
      const stored = findProposal(tables, id);
      if (stored === undefined || stored.record.delivered) return;
      const key = ownExecutionKey(id);
      const { client, peer: { uid } } = stored.record;
      const record = { ...stored.record, delivered: true };
      tables.proposals.put(key, encodeProposal({ ...stored, record }));
      if (client !== null) tables.index.remove(undeliveredKey(uid, client, key));
    });
  }

  /**
   * Whether the clock jumped ahead, and nothing expires before an operator prunes. Resolves once
   * the jump, if there was one, is noted.
   */
  isTimeInDoubt(): Promise<boolean> {
    return write(this.parts, 1, (state) => {
      advanceMark(state, this.parts.clock);
      return state.pruningPaused;
    });
  }

  /** Appends the receipts of ends that a restore left without one. */
  recordOwed(receiptOf: (record: ProposalRecord) => SignedReceipt): Promise<void> {
    return recordOwed(this.parts, receiptOf);
  }
}
