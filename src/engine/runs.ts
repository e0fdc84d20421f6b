/**
 * What runs right now, from the start message to the settlement on disk.
 *
 * Invariant: a run belongs to the daemon, not to the connection that asked for it: it is settled whoever listens, once.
 */

import { Refusal } from "../core/errors.ts";
import { within } from "../core/wait.ts";
import type { Slot } from "../executor/executor.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import { settlementOf, type SettlementParts } from "./settlement.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { loadSettled, type Settled } from "./view.ts";

/** What a run needs of its request. */
export interface RunOrder {
  readonly record: ExecutionRecord;
  /** RFC 8785 text of {"action","payload"}. */
  readonly canonical: string;
  readonly requestSalt: Uint8Array | null;
  readonly traceparent: string | null;
}

export class Runs {
  readonly #inFlight = new Map<string, Promise<Settled>>();
  /** What a dead daemon left and what runs again once it may, from before it starts. */
  readonly #reruns = new Map<string, Promise<Settled | undefined>>();
  readonly #held = new Set<Promise<unknown>>();
  #draining = false;

  constructor(private readonly parts: SettlementParts & { readonly ledger: Ledger }) {}

  get size(): number {
    return this.#inFlight.size;
  }

  /** Whether the daemon stops: what has not begun by now does not begin any more. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Rejects only with Refusal outcome_unknown, when the ledger cannot take the outcome. */
  start(order: RunOrder, slot: Slot, stations: Stopwatch): Promise<Settled> {
    const run = this.#run(order, slot, stations).finally(() =>
      this.#inFlight.delete(order.record.id)
    );
    this.#inFlight.set(order.record.id, run);
    return this.hold(run);
  }

  /** Whoever asks for that execution waits for `outcome`, although nothing of it was started yet; undefined: nothing came. */
  expect(id: string, outcome: Promise<Settled | undefined>): Promise<Settled | undefined> {
    const expected = outcome.finally(() => this.#reruns.delete(id));
    this.#reruns.set(id, expected);
    return expected;
  }

  /** The daemon waits for `work` as it stops: a request that was let in may still become a run. */
  hold<T>(work: Promise<T>): Promise<T> {
    const held = work.finally(() => this.#held.delete(held));
    this.#held.add(held);
    return held;
  }

  /** The execution as it stands, after waiting up to `waitMs` for a run in flight or one that is to run again. */
  async outcomeOf(record: ExecutionRecord, waitMs: number): Promise<Settled> {
    const run = this.#inFlight.get(record.id) ?? this.#reruns.get(record.id);
    const settled = run === undefined || waitMs === 0 ? undefined : await within(run, waitMs);
    return settled ?? loadSettled(record, this.parts.ledger);
  }

  /** Resolves when nothing that it waits for is left, or after `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.#draining = true;
    const deadline = performance.now() + limitMs;
    while (this.#held.size > 0 && performance.now() < deadline) {
      await within(Promise.allSettled(this.#held), deadline - performance.now());
    }
  }

  async #run(order: RunOrder, slot: Slot, stations: Stopwatch): Promise<Settled> {
    const { record, canonical, requestSalt, traceparent } = order;
    const { outcome, startedAtMs } = await slot.run({
      executionId: record.id,
      action: record.action,
      canonicalRequest: canonical,
      idempotencyKey: record.id,
      traceparent,
    });
    stations.passed("run");
    const settlement = settlementOf(record, outcome, startedAtMs, this.parts);
    const settled = await this.parts.ledger.settle(settlement).catch(() => {
      throw new Refusal(
        "outcome_unknown",
        "It was started, but its outcome could not be recorded.",
      );
    });
    stations.passed("settle");
    return { record: settled, result: settlement.result, requestSalt, receipt: settlement.receipt };
  }
}
