/**
 * What an operator can do to a running daemon, over an admin socket only. engine/operate.ts does it.
 *
 * Invariant: each act leaves an `admin` or `resolution` receipt that names the peer, before it is answered.
 */

import type { JsonObject, Peer } from "../core/types.ts";
import type { PruneReport } from "../ledger/types.ts";
import type { ExecutionView } from "./types.ts";

export interface Resolution {
  readonly id: string;
  readonly as: "succeeded" | "failed";
  /** Why the operator thinks so, at most 1000 characters; it goes into the receipt. */
  readonly note: string;
}

/** Any of these may throw a Refusal: ledger_unavailable, storage_full. */
export interface Operator {
  /** From its answer on, nothing new starts; what runs goes on. */
  halt(peer: Peer): Promise<void>;
  resume(peer: Peer): Promise<void>;
  /** Also of approvals never seen. What they already started goes on. */
  revoke(iss: string, jti: string, peer: Peer): Promise<void>;
  /** Throws a Refusal: execution_not_found, not_resolvable. */
  resolve(resolution: Resolution, peer: Peer): Promise<ExecutionView>;
  /** All that has expired, also while pruning is paused. */
  prune(peer: Peer): Promise<PruneReport>;
  /** A consistent copy without vault keys into a directory of the daemon's host, absolute and empty or not there yet. */
  backup(directory: string, peer: Peer): Promise<JsonObject>;
}
