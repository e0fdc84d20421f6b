/** One exchange with a daemon, as bytes: what client/transport.ts carries. */

export interface Message {
  readonly method: "GET" | "POST";
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface Answer {
  readonly status: number;
  /** Seconds named by Retry-After, if any. */
  readonly retryAfterSeconds: number | null;
  readonly body: Uint8Array;
}

/** No complete answer came. `sent` is false only when nobody took the connection, so no byte of it was read. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  constructor(readonly sent: boolean, cause: unknown) {
    super("the connection failed", { cause });
  }
}

export interface Transport {
  /** Rejects with ConnectionFailed (also after `timeoutMs`, if given), or with the signal's reason once it aborts. */
  send(
    message: Message,
    timeoutMs: number | null,
    signal: AbortSignal | undefined,
  ): Promise<Answer>;
  close(): void;
}
