/**
 * Tells whether connections are still accepted on a socket. Where they are not, callers wait in the
 * kernel's queue, without an event.
 *
 * Invariant: a busy event loop is never taken for a deaf one. It is given turns, not time: as many
 * as it needs to accept a full queue, however long each of them takes.
 */

import { sleep } from "../../core/wait.ts";

/** More than an accepting loop needs for one of them (os/sockets/acceptor.ts). */
const TURNS = 100;
/** At least so much lies between two turns that are counted. */
const TURN_MS = 10;

export class AcceptWatch {
  #accepted = 0;

  /**
   * `knock` begins a connection and returns how to end it; it may fail without a word, where the
   * socket does not let the daemon's own user in. `isWaiting`: whether one waits to be accepted.
   */
  constructor(
    private readonly knock: () => () => void,
    private readonly isWaiting: () => boolean,
  ) {}

  /** Call it for each connection. */
  accepted(): void {
    this.#accepted += 1;
  }

  /** Resolves to true when a connection waits and none is accepted in TURNS turns. */
  async isStuck(): Promise<boolean> {
    const before = this.#accepted;
    const leave = this.knock();
    try {
      for (let turn = 0; turn < TURNS; turn++) {
        if (this.#accepted !== before || !this.isWaiting()) return false;
        await sleep(TURN_MS);
      }
      return true;
    } finally {
      leave();
    }
  }
}
