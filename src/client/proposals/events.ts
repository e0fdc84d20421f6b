/** The daemon's event stream (text/event-stream, HTML Living Standard, section 9.2). */

import { open, string } from "../../core/shape.ts";
import { sleep } from "../../core/wait.ts";
import type { DaemonConnection } from "../connection.ts";
import { mayPass } from "../errors.ts";

/** Something about a proposal changed; the proposal itself says what. */
export interface ProposalEvent {
  readonly id: string;
  readonly status: string;
}

/**
 * "connected" comes first and whenever the stream was lost and is back: look at everything again,
 * because events may have been missed. "lost" comes when it breaks.
 */
export type DaemonEvent = "connected" | "lost" | ProposalEvent;

const AGAIN_MS = 100;
const AGAIN_MS_MAX = 2_000;

const isEvent = open({ id: string, status: string });

/**
 * Yields events until the signal aborts. A stream that breaks is opened again, and goes on from the
 * last event. Throws the OpenExecError of an answer that will not change.
 */
export async function* followEvents(
  connection: DaemonConnection,
  signal: AbortSignal,
): AsyncGenerator<DaemonEvent> {
  let last: string | null = null;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const chunks = await connection.stream("/events", {
        Accept: "text/event-stream",
        ...(last === null ? {} : { "Last-Event-ID": last }),
      }, signal);
      yield "connected";
      for await (const { id, data } of messagesOf(chunks)) {
        failures = 0;
        last = id ?? last;
        const event = eventOf(data);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error)) throw error;
    }
    if (signal.aborted) return;
    yield "lost";
    await sleep(Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** failures), signal).catch(() => {});
  }
}

function eventOf(data: string): ProposalEvent | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isEvent(value) ? { id: value.id, status: value.status } : undefined;
  } catch {
    return undefined;
  }
}

interface Message {
  readonly id: string | null;
  readonly data: string;
}

/** A line that never ends must not fill the memory. */
const LINE_LENGTH_MAX = 65_536;

/** Yields messages that have data. Comments and unknown fields are passed over. */
async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  let id: string | null = null;
  let data: string[] = [];
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LENGTH_MAX) return;
    for (const line of lines) {
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (field === "id") id = value;
      else if (field === "data") data.push(value);
      else if (line === "" && data.length > 0) {
        yield { id, data: data.join("\n") };
        data = [];
      }
    }
  }
}
