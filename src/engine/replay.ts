/**
 * Requests under one nonce: whether a later one is the replay of the first, and whose turn it is.
 *
 * Invariant: knowing a nonce reveals nothing. The approval must verify again, except for time, and
 * must be the one that the execution used. A `handler_digest` then pins the handler that ran, not
 * today's.
 */

import { isSameText } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import type { ParsedRequest } from "./request.ts";
import type { EngineParts } from "./types.ts";

/** Whether the outcome of `known` may be answered to this request. */
export function isReplay(
  known: ExecutionRecord,
  request: ParsedRequest,
  peer: Peer,
  parts: Pick<EngineParts, "ledger" | "trust" | "config">,
): boolean {
  if (known.action !== request.action) return false;
  if (known.mode === "demo") return isSamePayload(known, request, parts);
  const action = parts.config.actions.get(request.action);
  if (action === undefined || known.approval === null) return false;
  try {
    const approval = parts.trust.verifyReplay(request, action, known, peer);
    const { scheme, iss, jti } = known.approval;
    return approval.scheme === scheme && approval.iss === iss && approval.jti === jti;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Demo mode has no approval to compare: the payload must be the same, and still be kept. */
function isSamePayload(
  known: ExecutionRecord,
  request: ParsedRequest,
  { ledger }: Pick<EngineParts, "ledger">,
): boolean {
  const kept = ledger.openRequest(known.id);
  return kept !== undefined && isSameText(kept.canonical, request.canonical);
}

/**
 * Makes requests of one peer under one nonce reserve one after another.
 *
 * Without it, a twin that arrives while the first is being written would look for a slot of its
 * own, and might hear `executor_busy`, which says that nothing ran.
 */
export class NonceQueue {
  readonly #turns = new Map<string, Promise<void>>();

  /** Resolves when the current turn ends; undefined when there is none. */
  turnOf(peer: Peer, nonce: string): Promise<void> | undefined {
    return this.#turns.get(keyOf(peer, nonce));
  }

  /** Resolves when there is no turn. */
  async whenFree(peer: Peer, nonce: string): Promise<void> {
    for (let turn; (turn = this.turnOf(peer, nonce)) !== undefined;) await turn;
  }

  /** Takes a turn and returns the function that ends it. Call it only while there is no turn. */
  take(peer: Peer, nonce: string): () => void {
    const key = keyOf(peer, nonce);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.set(key, promise);
    return () => {
      this.#turns.delete(key);
      resolve();
    };
  }
}

/** No nonce contains a space. */
function keyOf({ uid }: Peer, nonce: string): string {
  return `${uid} ${nonce}`;
}
