/**
 * What runs right now, from the start message to the settlement on disk.
 *
 * Invariant: a run belongs to the daemon, not to the connection that asked for it: it is settled whoever listens, once.
 */

import { Refusal } from "../core/errors.ts";
import type { ActionConfig } from "../config/config.ts";
import type { Slot } from "../executor/executor.ts";
import type { ExecutionRecord } from "../ledger/ledger.ts";
import type { EngineParts } from "./parts.ts";
import { settlementOf } from "./settlement.ts";
import type { Stopwatch } from "./stopwatch.ts";

/** What a run needs of its request. */
export interface RunOrder {
  readonly record: ExecutionRecord;
  readonly action: ActionConfig;
  readonly canonical: string;
  readonly traceparent: string | null;
}

export class Runs {
  readonly #inFlight = new Map<string, Promise<ExecutionRecord>>();

  constructor(private readonly parts: Pick<EngineParts, "ledger" | "clock" | "sign" | "config">) {}

  get size(): number {
    return this.#inFlight.size;
  }

  start(order: RunOrder, slot: Slot, stations: Stopwatch): Promise<ExecutionRecord> {
    const run = this.#run(order, slot, stations).finally(() => this.#inFlight.delete(order.record.id));
    this.#inFlight.set(order.record.id, run);
    return run;
  }

  /** The record as it stands, after waiting up to `waitMs` for a run in flight. */
  async outcomeOf(record: ExecutionRecord, waitMs: number): Promise<ExecutionRecord> {
    const run = this.#inFlight.get(record.id);
    if (run === undefined || waitMs === 0) return record;
    return await within(run, waitMs) ?? record;
  }

  /** Resolves when nothing runs any more, or after `limitMs`. */
  async idle(limitMs: number): Promise<void> {
    await within(Promise.allSettled(this.#inFlight.values()), limitMs);
  }

  async #run(order: RunOrder, slot: Slot, stations: Stopwatch): Promise<ExecutionRecord> {
    const { record, action, canonical, traceparent } = order;
    const { outcome, startedAtMs } = await slot.run({
      executionId: record.id,
      action: record.action,
      canonicalRequest: canonical,
      idempotencyKey: record.id,
      traceparent,
    });
    stations.passed("run");
    const settlement = settlementOf(record, action, outcome, startedAtMs, this.parts);
    const settled = await this.parts.ledger.settle(settlement).catch(() => {
      throw new Refusal("outcome_unknown", "It was started, but its outcome could not be recorded.");
    });
    stations.passed("settle");
    return settled;
  }
}

async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), limitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
