/**
 * Lets a call whose answer was lost find its proposal again: the same uid, client, action and
 * payload, and an end that the client was not told.
 *
 * Invariants: a proposal that a live call holds is no other call's; a hold ends with its
 * connection, also where the client hung up and only the kernel knows that yet: it may be back
 * already. Between looking for a proposal and holding it nothing else runs.
 */

import type { Ledger } from "../../ledger/ledger.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isSame, type ParsedProposal } from "./begin.ts";
import type { Similar } from "./similar.ts";

/** Payloads that one call opens to find its own: those of the newest that it may be. */
const OPENED_MAX = 32;

/** The connection of a call: the same object for the same connection. */
export interface Caller {
  /** Tells when nothing more comes from the client. */
  onClosing(listener: () => void): () => void;
  /** Whether the kernel knows of that already. */
  isClosing(): boolean;
}

export class Leases {
  /** The connections of the live calls that hold a proposal. */
  readonly #holders = new Map<string, Set<Caller>>();

  constructor(
    private readonly ledger: Pick<Ledger, "openRequest" | "proposals">,
    private readonly similar: Pick<Similar, "mayBe">,
  ) {}

  /** Holds it until that connection ends, or until it is released. */
  hold(id: string, caller: Caller): void {
    const holders = this.#holders.get(id) ?? new Set();
    if (holders.has(caller)) return;
    this.#holders.set(id, holders.add(caller));
    caller.onClosing(() => this.release(id, caller));
  }

  release(id: string, caller: Caller): void {
    const holders = this.#holders.get(id);
    holders?.delete(caller);
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
      .filter(({ id, action }) => action === proposed.action && mayBe(id) && !this.#isHeld(id))
      .slice(-OPENED_MAX)
      .find((record) => isSame(record, proposed, this.ledger));
  }

  #isHeld(id: string): boolean {
    return [...this.#holders.get(id) ?? []].some((caller) => !caller.isClosing());
  }
}
