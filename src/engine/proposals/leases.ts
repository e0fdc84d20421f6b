/**
 * Lets a call whose answer was lost find its proposal again: the same uid, client, action and
 * payload, and an end that the client was not told.
 *
 * Invariants: a proposal that a live call holds is no other call's; a hold ends with its
 * connection. Between looking for a proposal and holding it nothing else runs.
 */

import type { Ledger } from "../../ledger/ledger.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isSame, type ParsedProposal } from "./begin.ts";
import type { Similar } from "./similar.ts";
import type { OnGone } from "./events.ts";

/** Payloads that one call opens to find its own: those of the newest that it may be. */
const OPENED_MAX = 32;

export class Leases {
  /** The connections of the live calls that hold a proposal, each by what tells of its end. */
  readonly #holders = new Map<string, Set<OnGone>>();

  constructor(
    private readonly ledger: Pick<Ledger, "openRequest" | "proposals">,
    private readonly similar: Pick<Similar, "mayBe">,
  ) {}

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
   * call, among the newest OPENED_MAX that may be it. It is found for as long as its payload is
   * kept. undefined where there is none.
   */
  find(
    uid: number,
    client: string,
    proposed: Pick<ParsedProposal, "action" | "canonical">,
  ): ProposalRecord | undefined {
    const mayBe = this.similar.mayBe(proposed.canonical);
    return this.ledger.proposals.undelivered(uid, client)
      .filter(({ id, action }) => action === proposed.action && !this.#holders.has(id) && mayBe(id))
      .slice(-OPENED_MAX)
      .find((record) => isSame(record, proposed, this.ledger));
  }
}
