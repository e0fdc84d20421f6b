/**
 * GET /events: proposals' events as text/event-stream (WHATWG HTML, section 9.2).
 *
 * A reader that names the last event it saw gets what came after it. One that names none, or an
 * unknown one, gets a snapshot: an event for everything that waits.
 *
 * Invariant: a reader that does not read is let go (reply.ts).
 */

import type { ToldEvent } from "../engine/proposals/events.ts";
import { type Backend, type Call, viewerOf } from "./call.ts";
import { lastEventId } from "./head.ts";
import type { Reply, Stream } from "./reply.ts";

/** Proxies and clients take a silent connection for a dead one. */
const COMMENT_EVERY_MS = 15_000;

/** The streams of this process: one timer serves all of them. */
const streams = new Set<Stream>();
let timer: ReturnType<typeof setInterval> | undefined;

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
