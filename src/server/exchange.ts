/**
 * One request and its answer: admit -> route -> look at the head -> read the body -> hand over -> write down.
 *
 * Invariant: of several reasons to refuse, the first in the order of core/errors.ts is given; after a refusal that leaves the
 * framing in doubt, or a body unread, the connection ends.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { type ErrorCode, Refusal } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { Limits, SocketConfig } from "../config/config.ts";
import type { Admission } from "./admission.ts";
import { discardBody, hasBody, readBody } from "./body.ts";
import type { Handlers } from "./call.ts";
import type { Connection } from "./connection.ts";
import { fieldLines } from "./head.ts";
import { problemReply } from "./problem.ts";
import { parseQuery } from "./query.ts";
import { type Reply, writeReply } from "./reply.ts";
import { type Fault, faultOf } from "./request_guard.ts";
import { allowedMethods, matchRoute } from "./router.ts";

/** What is known of a request once it is answered: for the log and the metrics, nothing of its contents. */
export interface ExchangeEvent {
  /** Also of those who were not admitted; null where the kernel names nobody. */
  readonly peer: Peer | null;
  /** Method and path pattern of the table, such as `GET /executions/{id}`; null when none fits. */
  readonly route: string | null;
  readonly status: number;
  /** Of a refusal that the server itself decided; the engine reports its own. */
  readonly code: ErrorCode | null;
  readonly durationMs: number;
}

export interface ExchangeParts {
  readonly socket: SocketConfig;
  readonly admission: Admission;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly handlers: Handlers;
  /** Whether every answer is to be its connection's last. */
  readonly isClosing: () => boolean;
  readonly observe: (event: ExchangeEvent) => void;
  /** Told of every bug, with its cause; the caller only learns `internal_error`. */
  readonly onBug: (error: unknown) => void;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  /** The sender waits for 100 Continue before it sends the body (RFC 9110 section 10.1.1). */
  readonly awaitsContinue: boolean;
}

/** Resolves when the answer has left. Rejects only for a bug, of which the peer learns nothing. */
export async function serve(exchange: Exchange, parts: ExchangeParts): Promise<void> {
  const { request, response, connection } = exchange;
  const startedAt = performance.now();
  const head = headOf(request);
  const state: Progress = { route: null, code: null, tookBody: false };
  const reply = await answer(exchange, head, parts, state).catch((error: unknown) => {
    const refusal = error instanceof Refusal ? error : new Refusal("internal_error");
    if (refusal !== error) parts.onBug(error);
    state.code = refusal.code;
    return refusalReply(refusal, head);
  });
  const unread = hasBody(request) && !state.tookBody;
  const last = unread || head.fault !== null || isLast(connection) || parts.isClosing();
  if (last) connection.end();
  if (unread && !exchange.awaitsContinue) {
    await discardBody(request, connection, parts.limits.bodyMs);
  }
  await writeReply(response, connection.socket, reply, parts.limits.bodyMs, last);
  parts.observe({
    route: state.route,
    code: state.code,
    peer: connection.peer,
    status: reply.status,
    durationMs: performance.now() - startedAt,
  });
}

/** A peer that closed its half still gets the answers to all it sent before. */
function isLast({ isAdmitted, inputFault, pending }: Connection): boolean {
  return !isAdmitted || (inputFault !== null && pending === 1);
}

/** How far a request got. */
interface Progress {
  route: string | null;
  code: ErrorCode | null;
  tookBody: boolean;
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly fields: ReturnType<typeof fieldLines>;
  readonly fault: Fault | null;
}

function headOf(request: IncomingMessage): Head {
  const target = request.url ?? "";
  const mark = target.indexOf("?");
  const fields = fieldLines(request.rawHeaders);
  return {
    method: request.method ?? "",
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? "" : target.slice(mark + 1),
    fields,
    fault: faultOf({ httpVersion: request.httpVersion, target, fields }),
  };
}

async function answer(
  exchange: Exchange,
  head: Head,
  parts: ExchangeParts,
  state: Progress,
): Promise<Reply> {
  const { peer, isAdmitted } = exchange.connection;
  const { socket, admission, clock, handlers } = parts;
  if (peer === null || !isAdmitted) throw new Refusal("peer_denied");
  if (!admission.takeRequest(peer.uid)) throw new Refusal("rate_limited");
  const receivedAtMs = clock.nowMs();
  // Without a path there is no route to look for.
  if (head.fault !== null && !head.path.startsWith("/")) {
    throw new Refusal(head.fault.code, head.fault.detail);
  }
  const { route, parameter } = matchRoute(head.method, head.path, socket.role);
  state.route = `${route.method} ${route.path}`;
  if (head.fault !== null) throw new Refusal(head.fault.code, head.fault.detail);
  const body = await bodyOf(exchange, route.body !== null, parts);
  state.tookBody = true;
  const query = parseQuery(head.query, route.query);
  const { fields } = head;
  return await route.handle(
    { peer, socket, parameter, query, fields, body, receivedAtMs, instance: instanceOf(head) },
    handlers,
  );
}

async function bodyOf(
  exchange: Exchange,
  isWanted: boolean,
  parts: ExchangeParts,
): Promise<Uint8Array> {
  const { request, response, connection, awaitsContinue } = exchange;
  const { requestBytes, bodyMs } = parts.limits;
  if (!isWanted) {
    if (hasBody(request)) throw new Refusal("request_malformed", "This route takes no body.");
    return new Uint8Array();
  }
  const declared = Number(request.headers["content-length"] ?? 0);
  if (awaitsContinue && declared <= requestBytes) response.writeContinue();
  return await readBody(request, connection, { bytesMax: requestBytes, timeMs: bodyMs });
}

function refusalReply({ code, detail }: Refusal, head: Head): Reply {
  const reply = problemReply(code, detail, instanceOf(head));
  if (code !== "method_not_allowed") return reply;
  return { ...reply, headers: { ...reply.headers, allow: allowedMethods(head.path) } };
}

const INSTANCE_LENGTH_MAX = 255;

/** A URI reference (RFC 9457 section 3.1.5): only a path that is one is repeated. */
function instanceOf({ path }: Head): string {
  const isPath = path.length <= INSTANCE_LENGTH_MAX &&
    /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/.test(path);
  return isPath ? path : "/";
}
