/**
 * Lets a call whose answer was lost find its proposal again: the same uid, client, action and
 * payload, and an end that the client was not told.
 *
 * Invariants: a proposal that a live call holds is no other call's; a hold ends with its
 * connection. Between looking for a proposal and holding it nothing else runs.
 */

import type { Ledger } from "../../ledger/ledger.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isSame } from "./begin.ts";
import type { ParsedProposal } from "./request.ts";
import type { OnGone } from "./waiters.ts";

export class Leases {
  /** Live calls by the proposal they hold. */
  readonly #holders = new Map<string, number>();

  constructor(private readonly ledger: Pick<Ledger, "openRequest" | "proposals">) {}

  /** Holds it until the connection ends, or until what is returned is called. */
  hold(id: string, onGone: OnGone): () => void {
    this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      stopListening();
      const left = (this.#holders.get(id) ?? 1) - 1;
      if (left > 0) this.#holders.set(id, left);
      else this.#holders.delete(id);
    };
    let stopListening = (): void => {};
    stopListening = onGone(release);
    return release;
  }

  /**
   * Finds the oldest proposal to attach to: undelivered, of the same text, and held by no live
   * call. It is found for as long as its payload is kept. undefined where there is none.
   */
  find(
    uid: number,
    client: string,
    proposed: Pick<ParsedProposal, "action" | "canonical">,
  ): ProposalRecord | undefined {
    for (const record of this.ledger.proposals.undelivered(uid, client)) {
      const isFree = record.action === proposed.action && !this.#holders.has(record.id);
      if (isFree && isSame(record, proposed, this.ledger)) return record;
    }
    return undefined;
  }
}
