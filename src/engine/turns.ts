/**
 * Requests of one peer under one nonce reserve one after another.
 *
 * Invariant: whoever's turn it is finds what those before it reserved, and its run. Without turns a second copy of a request
 * that is just being written down would look for a slot of its own, and hear `executor_busy`, which says that nothing ran.
 */

import type { Peer } from "../core/types.ts";

export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves when the turn that is under way has ended; undefined where none is. */
  before(peer: Peer, nonce: string): Promise<void> | undefined {
    return this.#last.get(keyOf(peer, nonce));
  }

  /** Resolves when none is under way. */
  async ended(peer: Peer, nonce: string): Promise<void> {
    for (let turn; (turn = this.before(peer, nonce)) !== undefined;) await turn;
  }

  /** To be called while no turn is under way; returns what ends this one. */
  take(peer: Peer, nonce: string): () => void {
    const key = keyOf(peer, nonce);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    return () => {
      this.#last.delete(key);
      resolve();
    };
  }
}

/** A nonce holds no space. */
function keyOf({ uid }: Peer, nonce: string): string {
  return `${uid} ${nonce}`;
}
