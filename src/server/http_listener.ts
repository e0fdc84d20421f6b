/**
 * node:http on one socket, with its limits, its events and its gaps: from bytes to exchanges, or to a closed connection.
 *
 * Invariant: whatever arrives is answered, refused or cut off within its limits; nothing that arrives ends the process.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import { isConnectionWaiting } from "../os/unix_socket.ts";
import { AcceptWatch } from "./accept_watch.ts";
import { Connection } from "./connection.ts";
import { type ExchangeParts, serve } from "./exchange.ts";
import { problemMessage } from "./problem.ts";
import type { Fault } from "./request_guard.ts";

/** Of the request line and all field lines together. */
const HEADER_BYTES_MAX = 16 * 1024;
const KEEP_ALIVE_MS = 60_000;
/** How long a sender of nonsense may take to read that it was. */
const LINGER_MS = 1000;

export class HttpListener {
  readonly #server: Server;
  readonly #connections = new Map<Duplex, Connection>();
  /** null while it does not listen. */
  #watch: AcceptWatch | null = null;

  constructor(private readonly parts: ExchangeParts) {
    const { headerMs } = parts.limits;
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: headerMs,
      // The body's time is body.ts's; node:http would also count the time a pipelined request waits for its turn.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(1000, Math.max(50, headerMs / 4)),
      // request_guard.ts refuses a missing Host, with our own answer.
      requireHostHeader: false,
      insecureHTTPParser: false,
    });
    // socat and the like close their half after sending; they still wait for the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server
      .on("connection", (socket: Socket) => this.#begin(socket))
      .on("request", (request, response) => this.#exchange(request, response, false))
      .on("checkContinue", (request, response) => this.#exchange(request, response, true))
      .on("checkExpectation", (request, response) => this.#exchange(request, response, false))
      .on("clientError", (error: NodeJS.ErrnoException, socket) => this.#fail(error.code, socket))
      .on("error", parts.onBug);
  }

  /** Accepts on a listening descriptor, and closes it in the end. */
  listen(descriptor: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen({ fd: descriptor }, resolve);
    this.#watch = new AcceptWatch(() => isConnectionWaiting(descriptor));
    return promise.finally(() => this.#server.off("error", reject));
  }

  /** To be asked every few seconds; true as AcceptWatch has it. */
  isStuck(): boolean {
    return this.#watch?.isStuck() ?? false;
  }

  /** Connections on which a request is being read, executed or answered. */
  get busy(): number {
    return [...this.#connections.values()].filter(({ pending }) => pending > 0).length;
  }

  /** Ends the connections that wait for nothing. */
  closeIdle(): void {
    for (const { pending, socket } of this.#connections.values()) {
      if (pending === 0) socket.destroy();
    }
  }

  /** Accepts nothing more, and ends every connection. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watch = null;
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  #begin(socket: Socket): void {
    this.#watch?.accepted();
    socket.on("error", () => socket.destroy());
    const { kind, peer } = this.parts.admission.admit(socket);
    if (kind === "crowded") {
      socket.end(
        problemMessage("rate_limited", "Too many connections of this uid."),
        () => socket.destroy(),
      );
      return this.#observe("rate_limited", peer);
    }
    const connection = new Connection(socket, peer, kind === "admitted");
    this.#connections.set(socket, connection);
    socket.once("close", () => this.#connections.delete(socket));
    socket.once("end", () => connection.failInput(CUT_SHORT));
  }

  #exchange(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    // An abort is seen where the body is read; without a listener it would be an uncaught error.
    request.on("error", () => {});
    response.on("error", () => {});
    const connection = this.#connections.get(request.socket);
    connection?.enqueue(async () => {
      try {
        await serve({ request, response, connection, awaitsContinue }, this.parts);
      } catch (error) {
        this.parts.onBug(error);
        connection.socket.destroy();
      }
    });
  }

  /** The parser gave up, or the head took too long; node:http leaves the rest to us, and repeats itself. */
  #fail(code: string | undefined, socket: Duplex): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || !socket.writable) return void socket.destroy();
    if (connection.inputFault !== null) return;
    const fault = faultOfParser(code);
    connection.failInput(fault);
    if (connection.pending > 0) return;
    if (connection.socket.bytesRead === 0) return void socket.destroy();
    socket.end(problemMessage(fault.code, fault.detail));
    socket.once("end", () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS);
    this.#observe(fault.code, connection.peer);
  }

  #observe(code: ErrorCode, peer: Peer | null): void {
    this.parts.observe({ peer, route: null, status: ERRORS[code].status, code, durationMs: 0 });
  }
}

const CUT_SHORT: Fault = { code: "request_malformed", detail: "The request was cut short." };

function faultOfParser(code: string | undefined): Fault {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        code: "request_too_large",
        detail: `A request's head has at most ${HEADER_BYTES_MAX} bytes.`,
      };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { code: "request_malformed", detail: "The request's head did not arrive in time." };
    default:
      return { code: "request_malformed", detail: "This is not HTTP/1.1 as RFC 9112 has it." };
  }
}
