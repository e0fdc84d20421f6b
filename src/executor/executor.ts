/**
 * The executor pool as the engine sees it: slots of actions, each a process of its own that runs one execution at a
 * time. executor/supervisor.ts is the implementation.
 *
 * Invariants:
 * - E1 An outcome is taken only from the slot, and for the execution, that it was handed to, once.
 * - E2 No handler code runs in the daemon; handler metadata is read in a worker without permissions.
 * - E3 The bytes whose digest was pinned are the bytes that are loaded.
 */

import type { Digest, JsonObject, Outcome } from "../core/types.ts";

/** What the daemon knows of a registered handler, sealed at start. */
export interface RegisteredAction {
  readonly name: string;
  readonly digest: Digest;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
}

/** One execution, as handed to an executor. */
export interface Job {
  readonly executionId: string;
  readonly action: string;
  /** RFC 8785 text of {"action","payload"}: the handler gets the payload parsed from exactly this. */
  readonly canonicalRequest: string;
  readonly idempotencyKey: string;
  readonly traceparent: string | null;
}

/** A slot that was free and is now held for one run; give it back with `release` when nothing was started. */
export interface Slot {
  /** Never rejects: every failure is an Outcome. `startedAtMs` is when the start message left, null if it never did. */
  run(job: Job): Promise<{ readonly outcome: Outcome; readonly startedAtMs: number | null }>;
  release(): void;
}

export interface ExecutorStatistics {
  readonly processes: number;
  readonly running: number;
  readonly restarts: number;
}

export interface ExecutorPool {
  readonly actions: ReadonlyMap<string, RegisteredAction>;
  /** Throws a Refusal: executor_busy when the action has no free slot, executor_unavailable when none can be had. */
  acquire(action: string): Slot;
  /** false when no executor process can be started. */
  healthy(): boolean;
  statistics(): ExecutorStatistics;
  /** Ends every executor; what still runs yields outcome_unknown. */
  close(): Promise<void>;
}
