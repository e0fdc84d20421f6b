/**
 * GET /events: proposals' events as text/event-stream (WHATWG HTML, section 9.2).
 *
 * A reader that names the last event it saw gets what came after it. One that names none, or an
 * unknown one, gets a snapshot: an event for everything that waits.
 *
 * Invariant: a reader that does not read is let go (reply.ts).
 */

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
      stream.write(": openexec\n\n");
      const stop = following(
        ({ id, proposal, status }) =>
          stream.write(
            `id: ${id}\nevent: proposal\ndata: ${JSON.stringify({ id: proposal, status })}\n\n`,
          ),
        () => stream.end(),
      );
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
