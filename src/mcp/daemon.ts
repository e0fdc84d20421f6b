/**
 * Asks the daemon: for actions, and for what becomes of proposals.
 *
 * Invariant: each live call has a connection of its own. The daemon lets no other call of this
 * client have its proposal until that connection ends.
 */

import { utf8Encode } from "../core/bytes.ts";
import type { JsonObject } from "../core/types.ts";
import { type CallOptions, DaemonConnection } from "../client/connection.ts";
import { type ActionDescription, actionsOf } from "../client/description.ts";
import { iJsonText } from "../client/json.ts";
import type { Proposal } from "../client/proposals/proposal.ts";
import {
  getProposal,
  postProposal,
  proposalPath,
  withdrawProposal,
} from "../client/proposals/proposals.ts";

/** Beyond the time that a request may wait. */
const MARGIN_MS = 10_000;

export class Daemon {
  constructor(
    private readonly socketPath: string,
    /** The name under which this client proposes, also after a restart. */
    readonly client: string,
  ) {}

  /** Opens the connection of one call. */
  line(): Line {
    return new Line(new DaemonConnection({ socketPath: this.socketPath }), this.client);
  }

  /** Lists what may be asked for. Rejects as `DaemonConnection.exchange` does. */
  async actions(call: CallOptions = {}): Promise<readonly ActionDescription[]> {
    const connection = new DaemonConnection({ socketPath: this.socketPath });
    try {
      return await connection.read("/actions", actionsOf, call);
    } finally {
      connection.close();
    }
  }
}

/** The connection of one call. All reject as `DaemonConnection.exchange` does. */
export class Line {
  constructor(private readonly connection: DaemonConnection, private readonly client: string) {}

  /**
   * Proposes, or attaches to the oldest such proposal of this client whose end it was not told and
   * that no live call has.
   */
  propose(
    request: { readonly action: string; readonly payload: JsonObject },
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Proposal> {
    return this.#post("/proposals", { ...request, client: this.client }, waitMs, signal);
  }

  /** Takes hold of a proposal, as `propose` does, and waits for its end. */
  hold(id: string, waitMs: number, signal: AbortSignal): Promise<Proposal> {
    return this.#post(`${proposalPath(id)}/hold`, {}, waitMs, signal);
  }

  /** Notes for good that the client was told how it ended. */
  async delivered(id: string): Promise<void> {
    await this.connection.post(`${proposalPath(id)}/delivered`, utf8Encode("{}"));
  }

  get(id: string): Promise<Proposal> {
    return getProposal(this.connection, { id }, 0, {});
  }

  withdraw(id: string): Promise<Proposal> {
    return withdrawProposal(this.connection, id, {});
  }

  close(): void {
    this.connection.close();
  }

  #post(
    path: string,
    body: JsonObject,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Proposal> {
    return postProposal(
      this.connection,
      path,
      utf8Encode(iJsonText(body)),
      { signal, retry: false },
      { Prefer: `wait=${Math.ceil(waitMs / 1000)}` },
      waitMs + MARGIN_MS,
    );
  }
}
