/**
 * One connection: its socket as node:http sees it, without the bytes that break the grammar, who is
 * at the other end, and the order in which its requests are answered.
 *
 * Invariants:
 * - Nothing is read behind a fault, and nothing is written that node:http did not write.
 * - Requests are served one after another, in the order they came, even when pipelined: RFC 9112
 *   section 9.3.2 allows anything else for safe methods only.
 * - Only the answer that is due is ever written. A request that is being executed is answered
 *   before senseless bytes behind it; otherwise its caller would read "nothing ran".
 * - A request behind one that ended the connection is never served, even if it was parsed already.
 */

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Peer } from "../core/types.ts";
import { isHungUp, stopReading } from "../os/sockets/unix_socket.ts";
import type { Fault } from "./head.ts";
import { RequestGrammar } from "./request_grammar.ts";

/** Less than the runtime reads at once: so nothing is read before the parser took what was. */
const READ_AHEAD_BYTES = 16 * 1024;

export class CheckedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #descriptor: number;
  #isHeld = false;

  /**
   * `descriptor` is that of the socket. `onFault` is called once, after all that came before the
   * fault was passed on.
   */
  constructor(socket: Socket, descriptor: number, onFault: (fault: Fault) => void) {
    super({ decodeStrings: false, readableHighWaterMark: READ_AHEAD_BYTES });
    this.#socket = socket;
    this.#descriptor = descriptor;
    const grammar = new RequestGrammar();
    let isFaulty = false;
    const take = (bytes: Buffer) => {
      // The rest is thrown away, so that its sender comes to read the answer.
      if (isFaulty) return;
      const fault = grammar.take(bytes, (passed) => {
        if (!this.push(passed)) stopReading(socket);
      });
      if (fault === null) return;
      isFaulty = true;
      onFault(fault);
    };
    socket.on("data", take)
      .on("end", () => this.push(null))
      .on("timeout", () => this.emit("timeout"))
      .on("error", () => this.destroy())
      .on("close", () => this.destroy());
  }

  /** Bytes that arrived, faulty ones included. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Whether nothing more comes from the peer, although what came may not have been read yet. */
  get isHungUp(): boolean {
    return this.destroyed || this.#socket.destroyed || isHungUp(this.#descriptor);
  }

  /** node:http sets it between two requests; `timeout` is emitted after so long without any. */
  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms);
    return this;
  }

  /** Ends the connection once all that was written has left. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Reads nothing more, not even that the peer has gone, until release(). */
  hold(): void {
    this.#isHeld = true;
    stopReading(this.#socket);
  }

  release(): void {
    this.#isHeld = false;
    this.#socket.resume();
  }

  override _read(): void {
    if (!this.#isHeld) this.#socket.resume();
  }

  override _write(
    bytes: Buffer | string,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(bytes, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

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

  /** Tells when nothing more comes from this peer. */
  onClosing(listener: () => void): () => void {
    return this.onInputFault(listener);
  }

  /** Whether the kernel knows of that already. */
  isClosing(): boolean {
    return this.socket.isHungUp;
  }

  /** Returns how to stop listening. Calls `listener` at once where the input has failed already. */
  onInputFault(listener: (fault: Fault) => void): () => void {
    this.#onInputFault.add(listener);
    if (this.#inputFault !== null) listener(this.#inputFault);
    return () => this.#onInputFault.delete(listener);
  }
}
