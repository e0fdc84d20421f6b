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
  /** The connections of the live calls that hold a proposal, each by what tells of its end. */
  readonly #holders = new Map<string, Set<OnGone>>();

  constructor(private readonly ledger: Pick<Ledger, "openRequest" | "proposals">) {}

  /** Holds it until that connection ends, or until it is released. */
  hold(id: string, connection: OnGone): void {
    const holders = this.#holders.get(id) ?? new Set();
    if (holders.has(connection)) return;
    this.#holders.set(id, holders.add(connection));
    connection(() => this.release(id, connection));
  }

  release(id: string, connection: OnGone): void {
    const holders = this.#holders.get(id);
    holders?.delete(connection);
    if (holders?.size === 0) this.#holders.delete(id);
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
