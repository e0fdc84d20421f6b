/**
 * Answers: JSON, text, and problem+json (RFC 9457), which nothing else writes.
 *
 * A problem's `type` is a URN: nobody has to host it, so it cannot go stale or change hands.
 * docs/errors.md explains each code.
 */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { stringOf, utf8Encode } from "../core/bytes.ts";
import { type Printable, printJson } from "../core/json/json_text.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { ExecutionView } from "../engine/view.ts";

export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  /**
   * Set for an answer without an end of its own: called once its head has left. Returns what is
   * called when the stream is over.
   */
  readonly stream?: (stream: Stream) => () => void;
}

/** An answer that goes on. */
export interface Stream {
  /** A reader that does not read loses the connection, so that nothing piles up. */
  write(text: string): void;
  end(): void;
}

export function jsonReply(value: Printable, status = 200): Reply {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: printJson(value),
  };
}

export function textReply(text: string, type = "text/plain; charset=utf-8"): Reply {
  return { status: 200, headers: { "content-type": type }, body: text };
}

/** Seconds until the same request may fare better, by status (RFC 9110 section 10.2.3). */
const RETRY_AFTER_SECONDS: ReadonlyMap<number, number> = new Map([[429, 1], [503, 1]]);

export function problemReply(
  code: ErrorCode,
  detail: string,
  instance: string,
  execution: ExecutionView | null = null,
): Reply {
  const { status, title, effect, retry } = ERRORS[code];
  const type = `urn:openexec:error:${code}`;
  const problem = { type, title, status, detail, instance, code, effect, retry };
  const retryAfter = RETRY_AFTER_SECONDS.get(status);
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    },
    body: printJson(execution === null ? problem : { ...problem, execution }),
  };
}

/** A whole answer as bytes, for a connection on which no request could be made out. */
export function problemMessage(code: ErrorCode, detail: string): Uint8Array<ArrayBuffer> {
  const { status, headers, body } = problemReply(code, detail, "/");
  const text = stringOf(body);
  const lines = Object.entries({ ...headers, "content-length": String(utf8Encode(text).length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return utf8Encode(
    `HTTP/1.1 ${status} ${ERRORS[code].title}\r\n${head}connection: close\r\n\r\n${text}`,
  );
}

/**
 * Resolves when the answer has left and `discarded` has resolved, or when the reader has gone. A
 * reader that takes longer than `timeMs` loses the connection, so that unread answers do not pile
 * up. The answer leaves at once: node:http ends a connection only after response.end().
 */
export function writeReply(
  response: ServerResponse,
  socket: Duplex,
  reply: Reply,
  timeMs: number,
  isLast: boolean,
  discarded: Promise<void> | null,
): Promise<void> {
  if (socket.destroyed) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  response.once("close", done);
  socket.once("close", done);
  if (reply.stream !== undefined) {
    response.writeHead(reply.status, { ...reply.headers, connection: "close" });
    response.flushHeaders();
    const onOver = reply.stream(streamOver(response, socket));
    return promise.finally(() => {
      socket.off("close", done);
      onOver();
    });
  }
  response.writeHead(reply.status, {
    ...reply.headers,
    "content-length": Buffer.byteLength(reply.body),
    ...(isLast ? { connection: "close" } : {}),
  });
  if (discarded === null) response.end(reply.body);
  else {
    response.write(reply.body);
    void discarded.then(() => response.end());
  }
  const timer = response.writableFinished ? undefined : setTimeout(() => socket.destroy(), timeMs);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.off("close", done);
  });
}

/** How much a stream's reader may leave unread, beside the largest piece that was written. */
const BUFFERED_BYTES_MAX = 64 * 1024;

function streamOver(response: ServerResponse, socket: Duplex): Stream {
  let piece = 0;
  return {
    write: (text) => {
      piece = Math.max(piece, text.length);
      if (response.writableLength > piece + BUFFERED_BYTES_MAX) socket.destroy();
      else if (!socket.destroyed) response.write(text);
    },
    end: () => void response.end(),
  };
}
