/**
 * The daemon that this page came from, directly or by the bridge of `openexec review --web`: the
 * SDK's reviewer over fetch().
 *
 * Invariant: the bearer of the bridge is kept in this module's memory alone, and is gone with the
 * page.
 */

import { isJsonObject } from "../core/json/json.ts";
import {
  ConnectionFailed,
  type HttpAnswer,
  type Message,
  type Transport,
} from "../client/message.ts";
import { Reviewer } from "../client/proposals/reviewer.ts";
import { utf8Encode } from "../core/bytes.ts";
import type { Json } from "../core/types.ts";

let bearer: string | null = null;

/** Exchanges the token of a one-time link for a bearer. Throws an Error when it was used before. */
export async function openLink(token: string): Promise<void> {
  const body = utf8Encode(JSON.stringify({ token }));
  const answer = await request({
    method: "POST",
    path: "/bridge/session",
    headers: JSON_TYPE,
    body,
  });
  const given: Json = await answer.json();
  const { bearer: value, detail } = isJsonObject(given) ? given : {};
  if (!answer.ok || typeof value !== "string") {
    throw new Error(`${detail || "This link is not good."} Start \`openexec review --web\` again.`);
  }
  bearer = value;
}

const JSON_TYPE = { "content-type": "application/json" };

/** `executorId` is the one that this person knows here; null before the first visit. */
export function reviewerOf(executorId: string | null): Reviewer {
  return new Reviewer({
    socketPath: location.origin,
    transport: FETCH,
    ...(executorId === null ? {} : { executorId }),
  });
}

const FETCH: Transport = {
  send: async (message, timeoutMs, signal) => {
    const limits = [signal ?? null, timeoutMs === null ? null : AbortSignal.timeout(timeoutMs)];
    const answer = await sent(message, AbortSignal.any(limits.filter((limit) => limit !== null)));
    return await whole(answer);
  },
  stream: async (message, signal) => {
    const answer = await sent(message, signal);
    return answer.ok && answer.body !== null ? chunksOf(answer.body) : await whole(answer);
  },
  close: () => {},
};

/** fetch() does not tell whether anything was sent: assume that it was. */
async function sent(message: Message, signal: AbortSignal): Promise<Response> {
  try {
    return await request(message, signal);
  } catch (cause) {
    throw signal.aborted ? signal.reason : new ConnectionFailed(true, cause);
  }
}

function request(
  { method, path, headers, body }: Message,
  signal?: AbortSignal,
): Promise<Response> {
  const fields = new Headers(headers);
  fields.set("x-openexec", "1");
  if (bearer !== null) fields.set("authorization", `Bearer ${bearer}`);
  return fetch(path, {
    method,
    headers: fields,
    cache: "no-store",
    redirect: "error",
    ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function whole(answer: Response): Promise<HttpAnswer> {
  const seconds = Number(answer.headers.get("retry-after") ?? NaN);
  return {
    status: answer.status,
    retryAfterSeconds: Number.isSafeInteger(seconds) ? seconds : null,
    body: new Uint8Array(await answer.arrayBuffer()),
  };
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (let part; !(part = await reader.read()).done;) yield part.value;
}
