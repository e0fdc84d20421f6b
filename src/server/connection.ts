/**
 * One connection: who is at the other end, and the order in which its requests are answered.
 *
 * Invariants:
 * - Requests of one connection are served one after another, in the order they came, however they were pipelined: RFC 9112
 *   section 9.3.2 allows anything else for safe methods only.
 * - Nothing but an answer to the request that is due is ever written: after bytes that make no sense, what is being executed is
 *   answered first. Otherwise its caller would take "nothing ran" for the answer to what is running.
 * - What follows a request that ended the connection, or waits on one that was closed, is never served, even if it was parsed
 *   already.
 */

import type { Socket } from "node:net";
import type { Peer } from "../core/types.ts";
import type { Fault } from "./request_guard.ts";

/** Unanswered requests on one connection; more is nobody's normal use, and each holds memory. */
const PIPELINE_MAX = 16;

export class Connection {
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;
  #isOver = false;
  #inputFault: Fault | null = null;
  readonly #onInputFault = new Set<(fault: Fault) => void>();

  /** `peer`: as the kernel says, null where it does not. */
  constructor(readonly socket: Socket, readonly peer: Peer | null, readonly isAdmitted: boolean) {}

  /** Requests that arrived and are not answered yet, the one being served included. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Nothing that comes after the request being served is a request any more: after a framing in doubt, the bytes behind it are
   * whatever a smuggler wanted them to be.
   */
  end(): void {
    this.#isOver = true;
  }

  /** Why nothing more that arrives can be understood; null while it can. */
  get inputFault(): Fault | null {
    return this.#inputFault;
  }

  /** Runs `serve` when all before it are answered, unless the connection ended with one of them. `serve` must not reject. */
  enqueue(serve: () => Promise<void>): void {
    if (this.#pending >= PIPELINE_MAX) this.socket.destroy();
    if (this.socket.destroyed) return;
    this.#pending += 1;
    const serveUnlessOver = () => this.#isOver || this.socket.destroyed ? undefined : serve();
    this.#tail = this.#tail.then(serveUnlessOver).finally(() => {
      this.#pending -= 1;
      if (this.#isOver || (this.#inputFault !== null && this.#pending === 0)) {
        this.socket.destroySoon();
      }
    });
  }

  /** The rest of the input will not come, or cannot be read. Only the first reason counts. */
  failInput(fault: Fault): void {
    if (this.#inputFault !== null) return;
    this.#inputFault = fault;
    for (const listener of this.#onInputFault) listener(fault);
  }

  /** Calls `listener` at once where the input has failed already; returns how to stop listening. */
  onInputFault(listener: (fault: Fault) => void): () => void {
    this.#onInputFault.add(listener);
    if (this.#inputFault !== null) listener(this.#inputFault);
    return () => this.#onInputFault.delete(listener);
  }
}
