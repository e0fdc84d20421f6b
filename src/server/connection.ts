/**
 * One connection: who is at the other end, and the order in which its requests are answered.
 *
 * Invariants:
 * - Requests are served one after another, in the order they came, even when pipelined: RFC 9112
 *   section 9.3.2 allows anything else for safe methods only.
 * - Only the answer that is due is ever written. A request that is being executed is answered
 *   before senseless bytes behind it; otherwise its caller would read "nothing ran".
 * - A request behind one that ended the connection is never served, even if it was parsed already.
 */

import type { Peer } from "../core/types.ts";
import type { CheckedSocket } from "./checked_socket.ts";
import type { Fault } from "./head.ts";

/** Unanswered requests on one connection: each holds memory. */
const PIPELINE_MAX = 16;

export class Connection {
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;
  #isOver = false;
  #inputFault: Fault | null = null;
  readonly #onInputFault = new Set<(fault: Fault) => void>();

  /** `peer` is the kernel's word; null where it names nobody. */
  constructor(
    readonly socket: CheckedSocket,
    readonly peer: Peer | null,
    readonly isAdmitted: boolean,
  ) {}

  /** Requests not answered yet, the one being served included. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Makes the request being served the last one. After a framing in doubt, a smuggler has chosen
   * the bytes that follow.
   */
  end(): void {
    this.#isOver = true;
  }

  /** Why nothing more that arrives can be understood; null while it can. */
  get inputFault(): Fault | null {
    return this.#inputFault;
  }

  /** Runs `serve`, which must not reject, when all requests before it are answered. */
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

  /** Says that the rest of the input is lost. Only the first reason counts. */
  failInput(fault: Fault): void {
    if (this.#inputFault !== null) return;
    this.#inputFault = fault;
    for (const listener of this.#onInputFault) listener(fault);
  }

  /** Tells when nothing more comes from this peer: the same function for the same connection. */
  readonly onClosing = (listener: () => void): () => void => this.onInputFault(listener);

  /** Returns how to stop listening. Calls `listener` at once where the input has failed already. */
  onInputFault(listener: (fault: Fault) => void): () => void {
    this.#onInputFault.add(listener);
    if (this.#inputFault !== null) listener(this.#inputFault);
    return () => this.#onInputFault.delete(listener);
  }
}
