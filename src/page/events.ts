/**
 * GET /events as it is read here: text/event-stream (HTML Standard, section 9.2). The browser's own
 * EventSource can send no bearer.
 */

import { sleep } from "../core/wait.ts";
import { stream } from "./api.ts";

/** How long to wait before the next try, in milliseconds: twice as long each time. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export interface Listener {
  /** Something changed, or may have while nobody listened. */
  readonly onChange: () => void;
  readonly onState: (state: "live" | "lost") => void;
}

/** Listens until `signal` ends it. Calls onChange at each connection, and for each event. */
export async function listen(listener: Listener, signal: AbortSignal): Promise<void> {
  let lastId = "";
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (lastId !== "") headers["last-event-id"] = lastId;
      const bytes = await stream("/events", headers, signal);
      listener.onState("live");
      listener.onChange();
      waitMs = FIRST_WAIT_MS;
      for await (const line of linesOf(bytes)) {
        if (line.startsWith("id:")) lastId = line.slice("id:".length).trim();
        // an event ends with an empty line; a comment, which keeps the stream alive, has none
        if (line.startsWith("data:")) listener.onChange();
      }
    } catch {
      // the next try tells whether the daemon is back
    }
    if (signal.aborted) return;
    listener.onState("lost");
    await sleep(waitMs, signal).catch(() => {});
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  }
}

async function* linesOf(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncIterable<string> {
  let rest = "";
  const reader = bytes.pipeThrough(new TextDecoderStream()).getReader();
  for (let part; !(part = await reader.read()).done;) {
    const lines = (rest + part.value).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
