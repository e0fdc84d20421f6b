/**
 * One request and its answer: admit -> take a turn -> route -> judge the head -> read the body ->
 * handle -> write.
 *
 * Invariant: among several reasons to refuse, the first in the order of core/errors.ts is given. A
 * refusal that leaves the framing in doubt, or a body unread, ends the connection.
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { type ErrorCode, Refusal } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { Limits } from "../config/config.ts";
import type { Admission, TurnedAway } from "./admission/admission.ts";
import { type Hold, NOTHING } from "./admission/turns.ts";
import { announcedBytes, discardBody, hasBody, readBody } from "./body.ts";
import { type Backend, type Call, parseQuery } from "./call.ts";
import type { Connection } from "./connection.ts";
import { type Head, headOf, instanceOf } from "./head.ts";
import { PAGE_HEADERS, refuseForeignPages } from "./page.ts";
import { problemReply, type Reply, writeReply } from "./reply.ts";
import { allowedMethods, matchRoute } from "./routes.ts";

/** An answered request, for the log and the metrics: nothing of its contents. */
export interface ExchangeEvent {
  /** Set for peers that were not admitted as well; null where the kernel names nobody. */
  readonly peer: Peer | null;
  /** Method and path pattern of the table, such as `GET /executions/{id}`; null when none fits. */
  readonly route: string | null;
  readonly status: number;
  /** Set for the server's own refusals; the engine reports its own. */
  readonly code: ErrorCode | null;
  readonly durationMs: number;
}

/** Shared by the exchanges of one socket. */
export interface ExchangeContext {
  readonly admission: Admission;
  readonly backend: Backend;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Whether every answer is its connection's last. */
  readonly isClosing: () => boolean;
  readonly observe: (event: ExchangeEvent) => void;
  readonly turnedAway: TurnedAway;
  /** Called with the cause of every bug; the caller only learns `internal_error`. */
  readonly onBug: (error: unknown) => void;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  /** Whether the sender waits for 100 Continue (RFC 9110 section 10.1.1). */
  readonly awaitsContinue: boolean;
}

/** Resolves when the answer has left. Rejects only for a bug; the peer learns nothing of it. */
export async function serve(exchange: Exchange, context: ExchangeContext): Promise<void> {
  const progress: Progress = { route: null, code: null, tookBody: false, hold: NOTHING };
  try {
    await answerTo(exchange, progress, context);
  } finally {
    progress.hold.release();
  }
}

async function answerTo(
  exchange: Exchange,
  progress: Progress,
  context: ExchangeContext,
): Promise<void> {
  const { request, response, connection } = exchange;
  const startedAt = performance.now();
  const head = headOf(request);
  const reply = await answer(exchange, head, progress, context).catch((error: unknown) => {
    const refusal = error instanceof Refusal ? error : new Refusal("internal_error");
    if (refusal !== error) context.onBug(error);
    progress.code = refusal.code;
    return refusalReply(refusal, head);
  });
  if (reply === null) return;
  const isUnread = hasBody(request) && !progress.tookBody;
  const isLast = isUnread || head.fault !== null || isOver(connection) || context.isClosing();
  if (isLast) connection.end();
  const discarded = isUnread && !exchange.awaitsContinue ? discardBody(request, connection) : null;
  const isForPages = context.admission.socket.role === "approver";
  const sent = isForPages ? { ...reply, headers: { ...PAGE_HEADERS, ...reply.headers } } : reply;
  const bytes = Buffer.byteLength(reply.body);
  progress.hold.weigh(bytes);
  const end = progress.hold.work(bytes);
  const left = writeReply(
    response,
    connection.socket,
    sent,
    context.limits.bodyMs,
    isLast,
    discarded,
  );
  end();
  await left;
  context.observe({
    route: progress.route,
    code: progress.code,
    peer: connection.peer,
    status: reply.status,
    durationMs: performance.now() - startedAt,
  });
}

/** A peer that closed its half still gets the answers to all that it sent before. */
function isOver({ isAdmitted, inputFault, pending }: Connection): boolean {
  return !isAdmitted || (inputFault !== null && pending === 1);
}

/** How far a request got. */
interface Progress {
  route: string | null;
  code: ErrorCode | null;
  tookBody: boolean;
  hold: Hold;
}

/** Resolves to null when its sender went before its turn came. */
async function answer(
  exchange: Exchange,
  head: Head,
  progress: Progress,
  context: ExchangeContext,
): Promise<Reply | null> {
  const { request, connection } = exchange;
  const { peer, isAdmitted } = connection;
  const { admission, backend, clock, limits } = context;
  const { socket } = admission;
  const bytes = announcedBytes(request, limits.requestBytes);
  const hold = await admission.turn(connection, bytes, () => connection.socket.destroyed)
    .finally(() => connection.socket.release());
  if (hold === null) return null;
  progress.hold = hold;
  if (peer === null || !isAdmitted) throw new Refusal("peer_denied");
  if (!admission.takeRequest(peer.uid)) throw new Refusal("rate_limited");
  const receivedAtMs = clock.nowMs();
  // Without a path there is no route to look for.
  if (head.fault !== null && !head.path.startsWith("/")) {
    throw new Refusal(head.fault.code, head.fault.detail);
  }
  refuseForeignPages(socket.role, head);
  const { route, parameter } = matchRoute(head.method, head.path, socket.role);
  progress.route = `${route.method} ${route.path}`;
  if (head.fault !== null) throw new Refusal(head.fault.code, head.fault.detail);
  const body = await bodyOf(exchange, route.body !== null, limits);
  progress.tookBody = true;
  const query = parseQuery(head.query, route.query);
  const { fields } = head;
  const instance = instanceOf(head);
  const onGone = goneOf(exchange);
  const { connection: caller } = exchange;
  const asked = { peer, socket, parameter, query, fields, body, receivedAtMs, instance };
  const { again, goOn } = hold;
  return await route.handle({ ...asked, onGone, caller, meter: hold, again, goOn }, backend);
}

function goneOf({ connection: { socket } }: Exchange): Call["onGone"] {
  return (listener) => {
    if (socket.destroyed) listener();
    socket.once("close", listener);
    return () => void socket.off("close", listener);
  };
}

async function bodyOf(
  exchange: Exchange,
  isWanted: boolean,
  { requestBytes, bodyMs, bodyIdleMs }: Limits,
): Promise<Uint8Array> {
  const { request, response, connection, awaitsContinue } = exchange;
  if (!isWanted) {
    if (hasBody(request)) throw new Refusal("request_malformed", "This route takes no body.");
    return new Uint8Array();
  }
  const declared = Number(request.headers["content-length"] ?? 0);
  if (awaitsContinue && declared <= requestBytes) response.writeContinue();
  return await readBody(request, connection, {
    bytesMax: requestBytes,
    timeMs: bodyMs,
    idleMs: bodyIdleMs,
  });
}

function refusalReply({ code, detail }: Refusal, head: Head): Reply {
  const reply = problemReply(code, detail, instanceOf(head));
  if (code !== "method_not_allowed") return reply;
  return { ...reply, headers: { ...reply.headers, allow: allowedMethods(head.path) } };
}
