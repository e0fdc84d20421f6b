/** One exchange with a daemon, as the bytes that transport.ts carries. */

export interface Message {
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  /** The seconds of Retry-After, or null. */
  readonly retryAfterSeconds: number | null;
  readonly body: Uint8Array;
}

/** No complete answer came. `sent` is false only when no connection was made: no byte was read. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  readonly sent: boolean;

  constructor(sent: boolean, cause: unknown) {
    super("the connection failed", { cause });
    this.sent = sent;
  }
}

export interface Transport {
  /**
   * Rejects with ConnectionFailed, also after `timeoutMs` where that is given, or with the signal's
   * reason once it aborts.
   */
  send(
    message: Message,
    timeoutMs: number | null,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer>;
  /**
   * Opens an answer that has no end: its body comes as it is sent, and ends in an error where the
   * connection breaks. An answer of another status than 200 is read whole. Rejects as `send` does.
   */
  stream(message: Message, signal: AbortSignal): Promise<HttpAnswer | AsyncIterable<Uint8Array>>;
  close(): void;
}
