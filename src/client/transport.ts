/**
 * HTTP/1.1 over a Unix socket, connections kept and reused. Only this file of the SDK needs
 * `node:http`, which Deno has as well. It does not know what the bytes mean.
 */

import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { GatheredBytes } from "../core/bytes.ts";
import { ConnectionFailed, type HttpAnswer, type Message, type Transport } from "./message.ts";

/** `answerBytesMax` bounds one answer: a stray server must not fill this process's memory. */
export function unixTransport(socketPath: string, answerBytesMax: number): Transport {
  const agent = new Agent({ keepAlive: true });
  return {
    send: (message, timeoutMs, signal) => {
      signal?.throwIfAborted();
      const { method, path, body } = message;
      const headers = { ...message.headers, "Content-Length": String(body?.length ?? 0) };
      const request = httpRequest({ agent, socketPath, method, path, headers });
      let stop = () => {};
      const aborted = new Promise<never>((_, reject) => {
        stop = () => {
          request.destroy(new Error("aborted"));
          reject(signal?.reason); // a kept connection says nothing of its end
        };
      });
      const timer = timeoutMs === null ? undefined : setTimeout(
        () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      signal?.addEventListener("abort", stop, { once: true });
      return Promise.race([exchange(request, body, answerBytesMax), aborted])
        .catch((error) => {
          throw signal?.aborted ? signal.reason : error;
        })
        .finally(() => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", stop);
        });
    },
    stream: (message, signal) => openStream(socketPath, message, signal, answerBytesMax),
    close: () => agent.destroy(),
  };
}

/** Rejects with ConnectionFailed. */
function exchange(
  request: ClientRequest,
  body: Uint8Array | undefined,
  bytesMax: number,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let connected = false;
    const fail = (cause: unknown) => reject(new ConnectionFailed(connected, cause));
    request.on("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => connected = true);
      else connected = true;
    });
    request.on("error", fail);
    request.on("response", (response) => {
      readAnswer(response, bytesMax).then(resolve, (error) => {
        request.destroy();
        fail(error);
      });
    });
    request.end(body);
  });
}

/** A stream has a connection of its own, which ends with the signal. */
function openStream(
  socketPath: string,
  { method, path, headers }: Message,
  signal: AbortSignal,
  bytesMax: number,
): Promise<HttpAnswer | AsyncIterable<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ agent: false, socketPath, method, path, headers, signal });
    let connected = false;
    request.on("socket", (socket) => socket.once("connect", () => connected = true));
    request.on("error", (cause) => reject(new ConnectionFailed(connected, cause)));
    request.on("response", (response) => {
      if (response.statusCode !== 200) {
        readAnswer(response, bytesMax).then(
          resolve,
          (cause) => reject(new ConnectionFailed(true, cause)),
        );
      } else {
        request.setTimeout(SILENT_MS, () => request.destroy(new Error("nothing came for long")));
        resolve(response);
      }
    });
    request.end();
  });
}

/** The daemon writes a comment every 15 s. */
const SILENT_MS = 60_000;

async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<HttpAnswer> {
  const body = new GatheredBytes(bytesMax, Number(response.headers["content-length"] ?? 0));
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) throw new Error("a chunk that is no bytes");
    if (!body.add(chunk)) throw new Error("the answer is larger than answerBytesMax");
  }
  if (!response.complete) throw new Error("the answer broke off");
  return {
    status: response.statusCode ?? 0,
    retryAfterSeconds: secondsOf(response.headers["retry-after"]),
    body: body.whole(),
  };
}

function secondsOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
