/**
 * The routes of requests: POST /execute, with the check of OpenExec 0.1.10's receipt that belongs
 * to it, proposals, and their events. An agent socket shows a peer what the same uid proposed; an
 * approver socket shows the actions it lists; an admin socket shows all.
 *
 * Invariant: a reader of events that does not read is let go (reply.ts).
 */

import { Refusal } from "../core/errors.ts";
import { isName } from "../core/limits.ts";
import { isOver, PROPOSAL_STATUSES } from "../core/proposal.ts";
import { isUuid } from "../core/uuid.ts";
import type { ProposalContext } from "../engine/proposals/desk.ts";
import type { ToldEvent } from "../engine/proposals/events.ts";
import type { ProposalView } from "../engine/proposals/view.ts";
import type { RequestContext } from "../engine/types.ts";
import { type Backend, type Call, malformed, viewerOf, wholeNumber } from "./call.ts";
import { idempotencyKey, lastEventId, preferredWaitMs, traceparent } from "./head.ts";
import { jsonReply, problemReply, type Reply, type Stream } from "./reply.ts";

/** Longer waits would only hold a connection; ask again instead. */
const EXECUTE_WAIT_SECONDS_MAX = 300;
const PROPOSAL_WAIT_SECONDS_MAX = 600;
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

export async function execute(call: Call, { engine }: Backend): Promise<Reply> {
  const answer = await engine.execute(call.body, contextOf(call, EXECUTE_WAIT_SECONDS_MAX));
  return answer.ok
    ? jsonReply(answer.execution)
    : problemReply(answer.code, answer.detail, call.instance, answer.execution);
}

export async function verifyLegacyReceipt(call: Call, { inspector }: Backend): Promise<Reply> {
  return jsonReply({ valid: await inspector.isLegacyReceipt(call.body, call) });
}

export async function propose(call: Call, { proposals }: Backend): Promise<Reply> {
  return answer(await proposals.propose(call.body, proposalContextOf(call)));
}

export async function proposal(call: Call, { proposals }: Backend): Promise<Reply> {
  const id = idOf(call);
  return answer(await proposals.views.find(id, viewerOf(call), waitMs(call), call.onGone));
}

export async function proposalsOf(call: Call, { proposals }: Backend): Promise<Reply> {
  const { query, socket } = call;
  const nonce = query.get("nonce") ?? null;
  if (nonce !== null && !isName(nonce)) throw malformed("nonce must be a nonce.");
  if (nonce !== null && socket.role === "agent") {
    if (query.size > 1) throw malformed("nonce must stand alone.");
    return answer(await proposals.views.findByNonce(nonce, call, waitMs(call), call.onGone));
  }
  const limit = wholeNumber(query, "limit") ?? PAGE_DEFAULT;
  const before = query.get("cursor") ?? null;
  const status = PROPOSAL_STATUSES.find((known) => known === query.get("status")) ?? null;
  if (limit < 1 || limit > PAGE_MAX) throw malformed(`limit must be 1 to ${PAGE_MAX}.`);
  if (before !== null && !isUuid(before)) throw malformed("cursor must be one that a page gave.");
  if (query.has("status") && status === null) {
    throw malformed(`status must be one of ${PROPOSAL_STATUSES.join(", ")}.`);
  }
  return jsonReply(await proposals.views.page(viewerOf(call), { status, nonce, limit, before }));
}

export async function withdraw(call: Call, { proposals }: Backend): Promise<Reply> {
  return answer(await proposals.withdraw(idOf(call), call));
}

export async function approve(call: Call, { proposals }: Backend): Promise<Reply> {
  const view = await proposals.approve(
    idOf(call),
    call.body,
    viewerOf(call),
    proposalContextOf(call),
  );
  return answer(view);
}

export async function decline(call: Call, { proposals }: Backend): Promise<Reply> {
  return answer(await proposals.decline(idOf(call), call.body, viewerOf(call), call.peer));
}

export async function hold(call: Call, { proposals }: Backend): Promise<Reply> {
  return answer(await proposals.hold(idOf(call), proposalContextOf(call)));
}

export async function deliver(call: Call, { proposals }: Backend): Promise<Reply> {
  return answer(await proposals.deliver(idOf(call), call));
}

/** 202 while it may still change, 200 when it is over, whatever the end. */
function answer(view: ProposalView): Reply {
  return jsonReply(view, isOver(view.status) ? 200 : 202);
}

function contextOf(call: Call, waitSecondsMax: number): RequestContext {
  const { peer, socket, receivedAtMs, fields, meter, again } = call;
  return {
    peer,
    socket,
    receivedAtMs,
    idempotencyKey: idempotencyKey(fields),
    waitMs: preferredWaitMs(fields, waitSecondsMax),
    traceparent: traceparent(fields),
    meter,
    again,
  };
}

function proposalContextOf(call: Call): ProposalContext {
  const { onGone, caller } = call;
  return { ...contextOf(call, PROPOSAL_WAIT_SECONDS_MAX), onGone, caller };
}

function waitMs({ fields }: Call): number {
  return preferredWaitMs(fields, PROPOSAL_WAIT_SECONDS_MAX);
}

function idOf(call: Call): string {
  if (!isUuid(call.parameter)) throw new Refusal("proposal_not_found");
  return call.parameter;
}

/** Proxies and clients take a silent connection for a dead one. */
const COMMENT_EVERY_MS = 15_000;

/** The streams of this process: one timer serves all of them. */
const streams = new Set<Stream>();
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * GET /events: proposals' events as text/event-stream (WHATWG HTML, section 9.2).
 *
 * A reader that names the last event it saw gets what came after it. One that names none, or an
 * unknown one, gets a snapshot: an event for everything that waits.
 */
export function events(call: Call, { proposals }: Backend): Reply {
  const following = proposals.views.follow(viewerOf(call), lastEventId(call.fields));
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    body: "",
    stream: (stream) => {
      const first = [": openexec\n\n"];
      let hasBegun = false;
      const send = ({ id, proposal, status }: ToldEvent) => {
        const data = JSON.stringify({ id: proposal, status });
        const text = `id: ${id}\nevent: proposal\ndata: ${data}\n\n`;
        if (hasBegun) stream.write(text);
        else first.push(text);
      };
      const stop = following(send, () => stream.end());
      stream.write(first.join("")); // in one piece: a snapshot may be larger than what may pile up
      hasBegun = true;
      enter(stream);
      return () => {
        stop();
        leave(stream);
      };
    },
  };
}

function enter(stream: Stream): void {
  streams.add(stream);
  timer ??= setInterval(() => {
    for (const each of streams) each.write(":\n\n");
  }, COMMENT_EVERY_MS);
}

function leave(stream: Stream): void {
  streams.delete(stream);
  if (streams.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
