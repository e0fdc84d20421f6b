/** Reading a request's body: whole, within a size and a time, or refused. */

import type { IncomingMessage } from "node:http";
import { clearTimeout, setTimeout } from "node:timers";
import { Refusal } from "../core/errors.ts";
import { GatheredBytes } from "../core/bytes.ts";
import { malformed } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { Fault } from "./head.ts";

export interface BodyLimits {
  readonly bytesMax: number;
  /** For the whole body, however evenly it drips. */
  readonly timeMs: number;
  /** From one piece to the next. */
  readonly idleMs: number;
}

export function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  return coding !== undefined || (length !== undefined && Number(length) > 0);
}

/** How many bytes of a body are to be reckoned with, where at most `bytesMax` are taken. */
export function announcedBytes(request: IncomingMessage, bytesMax: number): number {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  return coding === undefined ? Math.min(Number(length ?? 0) || 0, bytesMax) : bytesMax;
}

/** Throws a Refusal: request_too_large, request_malformed (cut short, unreadable, or too slow). */
export async function readBody(
  request: IncomingMessage,
  connection: Connection,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > limits.bytesMax) throw tooLarge(limits);
  const body = new GatheredBytes(limits.bytesMax, declared);
  const refusal = await consume(
    request,
    connection,
    limits,
    (chunk) => body.add(chunk) ? null : tooLarge(limits),
  );
  if (refusal !== null) throw refusal;
  return body.whole();
}

/** How much of a refused body is thrown away, so that its sender comes to read the answer. */
const DISCARD_BYTES_MAX = 32 * 1024 * 1024;
/** For how long. The answer has left by then, so nobody waits for it. */
const DISCARD_TIMES = { timeMs: 2000, idleMs: 2000 };

/** Resolves when the body is over, or its size or time is. */
export async function discardBody(
  request: IncomingMessage,
  connection: Connection,
): Promise<void> {
  if (request.complete || request.destroyed) return;
  let length = 0;
  await consume(request, connection, DISCARD_TIMES, (chunk) => {
    length += chunk.length;
    return length > DISCARD_BYTES_MAX ? new Refusal("request_too_large") : null;
  });
}

/** Hands chunks to `take` until the body ends (null) or something refuses it. */
function consume(
  request: IncomingMessage,
  connection: Connection,
  { timeMs, idleMs }: Pick<BodyLimits, "timeMs" | "idleMs">,
  take: (chunk: Uint8Array) => Refusal | null,
): Promise<Refusal | null> {
  const { promise, resolve } = Promise.withResolvers<Refusal | null>();
  const isTooSlow = () => connection.failInput(TOO_SLOW);
  const timers = request.complete
    ? []
    : [setTimeout(isTooSlow, timeMs), setTimeout(isTooSlow, idleMs)];
  const onData = (chunk: Uint8Array) => {
    timers[1]?.refresh();
    const refusal = take(chunk);
    if (refusal !== null) resolve(refusal);
  };
  const onEnd = () => {
    request.off("close", onClose);
    resolve(null);
  };
  const onClose = () =>
    resolve(malformed("The connection closed before the request was complete."));
  const stopListening = connection.onInputFault(({ code, detail }) => {
    if (!request.complete) resolve(new Refusal(code, detail));
  });
  if (request.destroyed) onClose();
  else request.on("data", onData).once("end", onEnd).once("close", onClose).resume();
  return promise.finally(() => {
    for (const timer of timers) clearTimeout(timer);
    stopListening();
    request.off("data", onData).off("end", onEnd).off("close", onClose).pause();
  });
}

const TOO_SLOW: Fault = { code: "request_malformed", detail: "The body did not arrive in time." };

function tooLarge({ bytesMax }: BodyLimits): Refusal {
  return new Refusal("request_too_large", `A request has at most ${bytesMax} bytes.`);
}
