/** The part of the SDK's client that proposes actions, for approvers to decide on. */

import type { ProposalStatus } from "../../core/proposal.ts";
import type { CallOptions, DaemonConnection } from "../connection.ts";
import { refusalAsError } from "../errors.ts";
import { type DaemonEvent, followEvents } from "./events.ts";
import type { Proposal } from "./proposal.ts";
import {
  getProposal,
  listProposals,
  postProposal,
  proposalBody,
  type ProposalTarget,
  type ProposeOptions,
  withdrawProposal,
} from "./proposals.ts";

export class Proposer {
  readonly #connection: DaemonConnection;

  constructor(connection: DaemonConnection) {
    this.#connection = connection;
  }

  /**
   * Proposes an action: it waits in the daemon until approvers decided, and needs nobody to stay
   * connected. Sent again under its nonce it is the same proposal. Rejects with OpenExecError,
   * OpenExecUnreachable, or the signal's reason.
   */
  async propose(
    action: string,
    payload: unknown = {},
    options: ProposeOptions = {},
  ): Promise<Proposal> {
    try {
      const body = proposalBody(action, payload, options);
      return await postProposal(this.#connection, "/proposals", body, options);
    } catch (error) {
      throw refusalAsError(error);
    }
  }

  /** Finds a proposal by its id or nonce. Rejects with OpenExecError proposal_not_found. */
  proposal(target: ProposalTarget, call: CallOptions = {}): Promise<Proposal> {
    return getProposal(this.#connection, target, 0, call);
  }

  /** Lists the proposals that this peer may see, all or those of one status. */
  proposals(
    filter: { readonly status?: ProposalStatus } = {},
    call: CallOptions = {},
  ): Promise<readonly Proposal[]> {
    return listProposals(this.#connection, filter.status, call);
  }

  /** Takes a proposal back. Rejects with OpenExecError proposal_over where it runs or ended. */
  withdraw(id: string, call: CallOptions = {}): Promise<Proposal> {
    return withdrawProposal(this.#connection, id, call);
  }

  /** Yields what changes in the proposals that this peer may see, until the signal aborts. */
  events(signal: AbortSignal): AsyncGenerator<DaemonEvent> {
    return followEvents(this.#connection, signal);
  }
}
