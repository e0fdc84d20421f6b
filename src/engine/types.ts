/** The engine as the server sees it: bytes of a request in, a finished answer out. engine/execute.ts is the story. */

import type { ErrorCode } from "../core/errors.ts";
import type { JsonObject, Peer } from "../core/types.ts";
import type { SocketConfig } from "../config/config.ts";

/** What the server knows of a request beside its body. */
export interface RequestContext {
  readonly peer: Peer;
  readonly socket: SocketConfig;
  readonly receivedAtMs: number;
  /** Parsed from the Idempotency-Key header; null when absent. */
  readonly idempotencyKey: string | null;
  /** From `Prefer: wait=N`; 0 when absent. */
  readonly waitMs: number;
  /** W3C traceparent, checked, or null. */
  readonly traceparent: string | null;
  /** The request line's path, for problem+json `instance`. */
  readonly instance: string;
}

/** The execution object of contract section 3, as JSON. */
export type ExecutionView = JsonObject;

/** Either an execution that succeeded, or a problem; `execution` is set once something was reserved. */
export type Answer =
  | { readonly ok: true; readonly execution: ExecutionView }
  | {
    readonly ok: false;
    readonly code: ErrorCode;
    readonly detail: string;
    readonly execution: ExecutionView | null;
  };

export interface Engine {
  /** Decides, reserves, runs, settles. Never rejects: a refusal is an Answer, a bug is internal_error. */
  execute(body: Uint8Array, context: RequestContext): Promise<Answer>;
  /** Refuse new work from now on; resolves when what runs has settled, or after `limitMs`. */
  drain(limitMs: number): Promise<void>;
}
