/**
 * The rest of the SDK's connection to one daemon: JSON and text in, typed errors out, retries in
 * between.
 *
 * Invariant: a message's bytes are made once, and every attempt sends the same.
 */

import { utf8Decode } from "../core/bytes.ts";
import type { Json } from "../core/types.ts";
import { errorOfAnswer, OpenExecUnreachable, readable, unreadableAnswer } from "./errors.ts";
import { RETRY, type RetryPolicy, withRetries } from "./retry.ts";
import { ConnectionFailed, type HttpAnswer, type Message, type Transport } from "./message.ts";

export interface ConnectionOptions {
  readonly socketPath: string;
  /** Carries the bytes in place of that socket: a browser has none. */
  readonly transport?: Transport;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for an answer; 30 s by default. An execution has its action's limit instead. */
  readonly timeoutMs?: number;
  /** Largest answer that is read; 64 MiB by default. */
  readonly answerBytesMax?: number;
  readonly retry?: Partial<RetryPolicy>;
}

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** false: try once. */
  readonly retry?: boolean;
}

export interface ExecuteOptions extends CallOptions {
  /** Longest wait for a run in flight; 30 s by default, sent as `Prefer: wait=N`. */
  readonly waitMs?: number;
  /** W3C trace context, handed on to the handler. */
  readonly traceparent?: string;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export class DaemonConnection {
  readonly #options: ConnectionOptions;
  readonly #retry: RetryPolicy;
  #transport: Promise<Transport> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#retry = { ...RETRY, ...options.retry };
  }

  /** Gets a JSON document. A status listed in `also` counts as 200. Rejects as `exchange` does. */
  get(path: string, call: CallOptions = {}, also: readonly number[] = []): Promise<Json> {
    return this.json({ method: "GET", path, headers: {} }, this.#timeoutMs, call, also);
  }

  /** Deletes, and gets a JSON document. Rejects as `exchange` does. */
  delete(path: string, call: CallOptions = {}, also: readonly number[] = []): Promise<Json> {
    return this.json({ method: "DELETE", path, headers: {} }, this.#timeoutMs, call, also);
  }

  /** Sends a message whose answer is a JSON document. Rejects as `exchange` does. */
  async json(
    message: Message,
    timeoutMs: number | null,
    call: CallOptions,
    also: readonly number[] = [],
  ): Promise<Json> {
    const answer = await this.exchange(message, timeoutMs, call, also);
    const body = jsonOfAnswer(answer);
    if (body === undefined) throw unreadableAnswer(answer.status);
    return body;
  }

  /** Gets a JSON document as `parse` reads it. Rejects as `exchange` does. */
  async read<T>(
    path: string,
    parse: (body: Json) => T | undefined,
    call: CallOptions = {},
  ): Promise<T> {
    return readable(parse(await this.get(path, call)));
  }

  /** Gets a text. Rejects as `exchange` does. */
  async text(path: string, call: CallOptions = {}): Promise<string> {
    const answer = await this.exchange({ method: "GET", path, headers: {} }, this.#timeoutMs, call);
    const text = utf8Decode(answer.body);
    if (text === undefined) throw unreadableAnswer(answer.status);
    return text;
  }

  /**
   * Posts JSON bytes. `timeoutMs` null waits as long as it takes. A status listed in `also` counts
   * as 200. Rejects as `exchange` does.
   */
  post(
    path: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
    call: CallOptions = {},
    timeoutMs: number | null = this.#timeoutMs,
    also: readonly number[] = [],
  ): Promise<Json> {
    const json = { "Content-Type": "application/json", ...headers };
    return this.json({ method: "POST", path, body, headers: json }, timeoutMs, call, also);
  }

  /**
   * Opens an answer that has no end, once. Rejects as `exchange` does; the stream ends in
   * OpenExecUnreachable where the connection breaks.
   */
  async stream(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const transport = await (this.#transport ??= this.#open());
    const message: Message = {
      method: "GET",
      path,
      headers: { ...this.#options.headers, ...headers },
    };
    try {
      const answer = await transport.stream(message, signal);
      if ("status" in answer) throw errorOfAnswer(answer.status, jsonOfAnswer(answer), null);
      return brokenAsUnreachable(answer);
    } catch (error) {
      throw error instanceof ConnectionFailed ? unreachable(error) : error;
    }
  }

  /** Rejects with OpenExecError, OpenExecUnreachable, or the signal's reason. */
  exchange(
    message: Message,
    timeoutMs: number | null,
    { signal, retry = true }: CallOptions,
    also: readonly number[] = [],
  ): Promise<HttpAnswer> {
    const policy = retry ? this.#retry : { ...this.#retry, attempts: 1 };
    return withRetries(() => this.#once(message, timeoutMs, signal, also), policy, signal);
  }

  /** Ends kept connections; calls under way fail. */
  close(): void {
    this.#transport?.then((transport) => transport.close());
    this.#transport = undefined;
  }

  async #once(
    message: Message,
    timeoutMs: number | null,
    signal: AbortSignal | undefined,
    also: readonly number[],
  ): Promise<HttpAnswer> {
    const transport = await (this.#transport ??= this.#open());
    const headers = {
      Accept: "application/json, */*",
      ...this.#options.headers,
      ...message.headers,
    };
    let answer;
    try {
      answer = await transport.send({ ...message, headers }, timeoutMs, signal);
    } catch (error) {
      throw error instanceof ConnectionFailed ? unreachable(error) : error;
    }
    if (answer.status === 200 || also.includes(answer.status)) return answer;
    const retryAfterMs = answer.retryAfterSeconds === null ? null : answer.retryAfterSeconds * 1000;
    throw errorOfAnswer(answer.status, jsonOfAnswer(answer), retryAfterMs);
  }

  /** Loads `node:http` on first use: a browser has none, and can verify a receipt without. */
  async #open(): Promise<Transport> {
    if (this.#options.transport !== undefined) return this.#options.transport;
    const { unixTransport } = await import("./transport.ts");
    return unixTransport(
      this.#options.socketPath,
      this.#options.answerBytesMax ?? ANSWER_BYTES_MAX,
    );
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? TIMEOUT_MS;
  }
}

async function* brokenAsUnreachable(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    throw new OpenExecUnreachable("none", "the stream broke", cause);
  }
}

function unreachable(failure: ConnectionFailed): OpenExecUnreachable {
  return failure.sent
    ? new OpenExecUnreachable(
      "unknown",
      "the connection broke before the answer came",
      failure.cause,
    )
    : new OpenExecUnreachable("none", "nobody answers on the socket", failure.cause);
}

/** Returns undefined when the body is no JSON. */
function jsonOfAnswer(answer: HttpAnswer): Json | undefined {
  const text = utf8Decode(answer.body);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
