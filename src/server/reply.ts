/** An answer before it is written, and the writing of it. */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Json } from "../core/types.ts";

export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function jsonReply(value: Json, status = 200): Reply {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: `${JSON.stringify(value)}\n`,
  };
}

export function textReply(text: string, type = "text/plain; charset=utf-8"): Reply {
  return { status: 200, headers: { "content-type": type }, body: text };
}

/**
 * Resolves when the answer has left, or its reader has: whoever takes longer than `timeMs` to read it loses the connection,
 * lest answers that nobody reads pile up.
 */
export function writeReply(
  response: ServerResponse,
  socket: Socket,
  reply: Reply,
  timeMs: number,
  last: boolean,
): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  response.once("close", done);
  socket.once("close", done);
  response.writeHead(reply.status, {
    ...reply.headers,
    "content-length": Buffer.byteLength(reply.body),
    ...(last ? { connection: "close" } : {}),
  });
  response.end(reply.body);
  const timer = response.writableFinished ? undefined : setTimeout(() => socket.destroy(), timeMs);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.off("close", done);
  });
}
