/**
 * node:http on one socket, with its limits, events and gaps: from bytes to exchanges.
 *
 * Invariant: everything that arrives is answered, refused or cut off within its limits, and nothing
 * that arrives ends the process.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ErrorCode, ERRORS, Refusal } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import { Acceptor, AcceptWatch } from "../os/sockets/acceptor.ts";
import { isConnectionWaiting, knock, turnAway } from "../os/sockets/unix_socket.ts";
import { UNKNOWN_UID, type Verdict } from "./admission/admission.ts";
import { CheckedSocket, Connection } from "./connection.ts";
import { hasBody } from "./body.ts";
import { type ExchangeContext, serve } from "./exchange.ts";
import type { Fault } from "./head.ts";
import { problemMessage } from "./reply.ts";

/** The request line and all field lines together. */
const HEADER_BYTES_MAX = 16 * 1024;
const KEEP_ALIVE_MS = 60_000;
/** How long a sender of nonsense may take to read the answer. */
const LINGER_MS = 1000;

export class HttpListener {
  readonly #server: Server;
  readonly #connections = new Map<Duplex, Connection>();
  /** Both null while it does not listen. */
  #watch: AcceptWatch | null = null;
  #acceptor: Acceptor | null = null;

  constructor(private readonly context: ExchangeContext) {
    const { headerMs } = context.limits;
    this.#server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: headerMs,
      // body.ts limits a body's time: node:http would count a pipelined request's wait as well.
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(1000, Math.max(50, headerMs / 4)),
      // head.ts refuses a missing Host, with an answer of ours.
      requireHostHeader: false,
      insecureHTTPParser: false,
    });
    // socat and the like close their half after sending; they still wait for the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server
      .on("request", (request, response) => this.#exchange(request, response, false))
      .on("checkContinue", (request, response) => this.#exchange(request, response, true))
      .on("checkExpectation", (request, response) => this.#exchange(request, response, false))
      .on(
        "clientError",
        ({ code }: NodeJS.ErrnoException, socket) => this.#fail(faultOfParser(code), socket),
      )
      .on("error", context.onBug);
  }

  /** Accepts on a listening descriptor, and closes it in the end. */
  listen(descriptor: number): void {
    this.#acceptor = new Acceptor(descriptor, (connection) => this.#admit(connection));
    this.#watch = new AcceptWatch(
      () => knock(this.context.admission.socket.path),
      () => isConnectionWaiting(descriptor),
    );
    // Else node:http would limit no head's time, and end connections after their first request.
    Object.defineProperty(this.#server, "listening", { get: () => this.#acceptor !== null });
    this.#server.emit("listening");
  }

  /** Ask it every few seconds; true when the socket accepts nothing any more. */
  async isStuck(): Promise<boolean> {
    return await this.#watch?.isStuck() ?? false;
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
    const acceptor = this.#acceptor;
    this.#watch = this.#acceptor = null;
    this.#server.close();
    for (const { socket } of this.#connections.values()) socket.destroy();
    await acceptor?.close();
  }

  /** Returns false for a connection that is turned away. */
  #admit(descriptor: number): boolean {
    this.#watch?.accepted();
    const verdict = this.context.admission.admit(descriptor);
    if (verdict.kind === "crowded") {
      turnAway(descriptor, CROWDED);
      this.context.turnedAway.note(verdict.peer?.uid ?? UNKNOWN_UID);
      return false;
    }
    this.#begin(descriptor, verdict).catch(this.context.onBug);
    return true;
  }

  /** Hands the connection to node:http in its turn: to make a stream of it is not cheap. */
  async #begin(descriptor: number, { kind, peer, leave }: Verdict): Promise<void> {
    const isAdmitted = kind === "admitted";
    const isOver = () => this.#acceptor === null;
    const turn = await this.context.admission.turn({ peer, isAdmitted }, 0, isOver)
      .catch(() => null);
    turn?.release();
    if (turn === null || isOver()) {
      turnAway(descriptor, isOver() ? DRAINING : CROWDED);
      return leave();
    }
    const socket = new Socket({ fd: descriptor, allowHalfOpen: true });
    socket.on("error", () => socket.destroy()).once("close", leave);
    this.#server.emit("connection", this.#checked(socket, descriptor, peer, isAdmitted));
  }

  /** Returns what node:http is to read. */
  #checked(
    socket: Socket,
    descriptor: number,
    peer: Peer | null,
    isAdmitted: boolean,
  ): CheckedSocket {
    const checked = new CheckedSocket(socket, descriptor, (fault) => this.#fail(fault, checked));
    const connection = new Connection(checked, peer, isAdmitted);
    this.#connections.set(checked, connection);
    checked.once("close", () => {
      this.#connections.delete(checked);
      connection.failInput(CUT_SHORT);
    });
    checked.once("end", () => connection.failInput(CUT_SHORT));
    return checked;
  }

  #exchange(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    // body.ts sees an abort. Without a listener here it would also be an uncaught error.
    request.on("error", () => {});
    response.on("error", () => {});
    const connection = this.#connections.get(request.socket);
    // Until its turn comes: its body waits in the kernel.
    if (hasBody(request)) connection?.socket.hold();
    connection?.enqueue(async () => {
      try {
        await serve({ request, response, connection, awaitsContinue }, this.context);
      } catch (error) {
        this.context.onBug(error);
        connection.socket.destroy();
      }
    });
  }

  /** Answers a request that cannot be read or took too long. node:http may say so twice. */
  #fail(fault: Fault, socket: Duplex): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || !socket.writable) return void socket.destroy();
    if (connection.inputFault !== null) return;
    connection.failInput(fault);
    if (connection.pending > 0) return;
    if (connection.socket.bytesRead === 0) return void socket.destroy();
    const { code, detail } = connection.isAdmitted ? fault : new Refusal("peer_denied");
    socket.end(problemMessage(code, detail));
    socket.once("end", () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS);
    this.#observe(code, connection.peer);
  }

  #observe(code: ErrorCode, peer: Peer | null): void {
    this.context.observe({ peer, route: null, status: ERRORS[code].status, code, durationMs: 0 });
  }
}

/** Written by one system call, because it must cost next to nothing. */
const CROWDED = problemMessage("rate_limited", "There are too many connections, or of this uid.");
const DRAINING = problemMessage("draining", "The daemon is stopping; this was not read.");
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
