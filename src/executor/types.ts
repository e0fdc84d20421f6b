/** The executors as the engine sees them. */

import type { Text } from "../core/bytes.ts";
import type { Presentation } from "../core/presentation.ts";
import type { Digest, JsonObject, Outcome } from "../core/types.ts";

/** A registered handler, sealed at start. */
export interface RegisteredAction {
  readonly name: string;
  readonly digest: Digest;
  /** JSON Schemas (draft 2020-12), to be shown: the handler's own schema decides. */
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  readonly presentation: Presentation;
}

/** One execution, as handed to an executor. */
export interface Job {
  readonly executionId: string;
  readonly action: string;
  /**
   * RFC 8785 text of {"action","payload"}: the handler gets the payload parsed from exactly this.
   */
  readonly canonicalRequest: Text;
  readonly idempotencyKey: string;
  readonly traceparent: string | null;
}

/**
 * A slot that was free and is now held for one run; give it back with `release` when nothing was
 * started.
 */
export interface Slot {
  /**
   * Resolves when a process waits for the run. Rejects with a Refusal executor_unavailable, and
   * gives the slot back, when none can be had: before the reservation that costs no approval.
   */
  ready(): Promise<void>;
  /**
   * Never rejects: every failure is an Outcome. `startedAtMs` is when the start message left, null
   * if it never did.
   */
  run(job: Job): Promise<{ readonly outcome: Outcome; readonly startedAtMs: number | null }>;
  release(): void;
}

export interface ExecutorStatistics {
  readonly processes: number;
  readonly running: number;
  readonly restarts: number;
}
