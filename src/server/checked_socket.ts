/**
 * A connection as node:http sees it: the socket, without the bytes that break the grammar.
 *
 * Invariant: nothing is read behind a fault, and nothing is written that node:http did not write.
 */

import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { stopReading } from "../os/sockets/unix_socket.ts";
import type { Fault } from "./head.ts";
import { RequestGrammar } from "./request_grammar.ts";

/** Less than the runtime reads at once: so nothing is read before the parser took what was. */
const READ_AHEAD_BYTES = 16 * 1024;

export class CheckedSocket extends Duplex {
  readonly #socket: Socket;
  #isHeld = false;

  /** `onFault` is called once, after all that came before the fault was passed on. */
  constructor(socket: Socket, onFault: (fault: Fault) => void) {
    super({ decodeStrings: false, readableHighWaterMark: READ_AHEAD_BYTES });
    this.#socket = socket;
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
