/**
 * The only writer of problem+json (RFC 9457): from a row of the closed error table to the bytes of an answer.
 *
 * `type` is a URN, because an identifier that nobody has to host cannot go stale or change hands; docs/errors.md explains each.
 */

import { type ErrorCode, ERRORS } from "../core/errors.ts";
import { utf8Encode } from "../core/bytes.ts";
import type { JsonObject } from "../core/types.ts";
import type { ExecutionView } from "../engine/engine.ts";
import type { Reply } from "./reply.ts";

const MEDIA_TYPE = "application/problem+json";

/** Seconds after which the same request may fare better, for the statuses that carry Retry-After (RFC 9110 10.2.3). */
const RETRY_AFTER_SECONDS: ReadonlyMap<number, number> = new Map([[429, 1], [503, 1]]);

export function problemReply(
  code: ErrorCode,
  detail: string,
  instance: string,
  execution: ExecutionView | null = null,
): Reply {
  const { status } = ERRORS[code];
  const retryAfter = RETRY_AFTER_SECONDS.get(status);
  return {
    status,
    headers: {
      "content-type": MEDIA_TYPE,
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    },
    body: `${JSON.stringify(problemOf(code, detail, instance, execution))}\n`,
  };
}

function problemOf(
  code: ErrorCode,
  detail: string,
  instance: string,
  execution: ExecutionView | null,
): JsonObject {
  const { status, title, effect, retry } = ERRORS[code];
  const problem = {
    type: `urn:openexec:error:${code}`,
    title,
    status,
    detail,
    instance,
    code,
    effect,
    retry,
  };
  return execution === null ? problem : { ...problem, execution };
}

/** A whole answer as bytes, for a connection on which no request could be made out; it ends the connection. */
export function problemMessage(code: ErrorCode, detail: string): Uint8Array {
  const { status, headers, body } = problemReply(code, detail, "/");
  const lines = Object.entries({ ...headers, "content-length": String(utf8Encode(body).length) });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return utf8Encode(
    `HTTP/1.1 ${status} ${ERRORS[code].title}\r\n${head}connection: close\r\n\r\n${body}`,
  );
}
