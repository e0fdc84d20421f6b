/**
 * The runs of this moment, from the start message to the settlement on disk.
 *
 * Invariants:
 * - A run belongs to the daemon, not to the connection that asked for it. It is settled once, even
 *   if its caller is gone.
 * - Every outcome becomes exactly one settlement. A result that is not I-JSON or too large is
 *   `result_invalid`, never an exception: after the reservation nothing may refuse.
 */

import type { Config, Retention } from "../config/config.ts";
import { Refusal } from "../core/errors.ts";
import type { Digest, Outcome } from "../core/types.ts";
import { within } from "../core/wait.ts";
import type { Slot } from "../executor/types.ts";
import type { ExecutionRecord, RequestBody, Settlement } from "../ledger/types.ts";
import { commitment, executionReceipt } from "../log/receipt.ts";
import type { RequestReader } from "./request_reader.ts";
import type { ResultText } from "./result.ts";
import { type Charge, type EngineParts, Stopwatch } from "./types.ts";
import { type ExecutionView, executionView, loadView, type ShownResult } from "./view.ts";

export class Runs {
  readonly #inFlight = new Map<string, Promise<ExecutionView>>();
  /** Reruns of what a dead daemon left, known before they start. */
  readonly #reruns = new Map<string, Promise<ExecutionView | undefined>>();
  readonly #kept = new Set<Promise<unknown>>();
  #isDraining = false;
  /** Called with each execution as it is settled. */
  onSettled: (record: ExecutionRecord) => void = () => {};

  constructor(
    private readonly parts: EngineParts,
    private readonly reader: Pick<RequestReader, "readResult">,
  ) {}

  get size(): number {
    return this.#inFlight.size;
  }

  /** Whether the daemon is stopping: nothing begins any more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Rejects only with Refusal outcome_unknown, when the ledger cannot take the outcome. */
  start(
    record: ExecutionRecord,
    body: RequestBody,
    slot: Slot,
    traceparent: string | null = null,
    stations = new Stopwatch(),
  ): Promise<ExecutionView> {
    const run = this.#run(record, body, slot, traceparent, stations)
      .finally(() => this.#inFlight.delete(record.id));
    this.#inFlight.set(record.id, run);
    return this.keepUntilDone(run);
  }

  /**
   * Makes callers who ask for that execution wait for `outcome`, although it has not started yet.
   * Resolves to undefined where it never starts.
   */
  announceRerun(
    id: string,
    outcome: Promise<ExecutionView | undefined>,
  ): Promise<ExecutionView | undefined> {
    const announced = outcome.finally(() => this.#reruns.delete(id));
    this.#reruns.set(id, announced);
    return announced;
  }

  /** Makes drain() wait for `work`: an admitted request may still become a run. */
  keepUntilDone<T>(work: Promise<T>): Promise<T> {
    const kept = work.finally(() => this.#kept.delete(kept));
    this.#kept.add(kept);
    return kept;
  }

  /** The execution as it stands, after waiting up to `waitMs` for its run or rerun. */
  async outcomeOf(
    record: ExecutionRecord,
    waitMs: number,
    { meter, again }: Charge,
  ): Promise<ExecutionView> {
    const run = this.#inFlight.get(record.id) ?? this.#reruns.get(record.id);
    if (run === undefined || waitMs === 0) return await loadView(record, this.parts.ledger, meter);
    const settled = await within(run, waitMs);
    await again?.();
    return settled ?? await loadView(record, this.parts.ledger, meter);
  }

  /** Resolves when everything kept is done, or after `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.#isDraining = true;
    const deadline = performance.now() + limitMs;
    while (this.#kept.size > 0 && performance.now() < deadline) {
      await within(Promise.allSettled(this.#kept), deadline - performance.now());
    }
  }

  async #run(
    record: ExecutionRecord,
    { canonical, salt }: RequestBody,
    slot: Slot,
    traceparent: string | null,
    stations: Stopwatch,
  ): Promise<ExecutionView> {
    const { outcome, startedAtMs } = await slot.run({
      executionId: record.id,
      action: record.action,
      canonicalRequest: canonical,
      idempotencyKey: record.id,
      traceparent,
    });
    stations.passed("run");
    const bytesMax = this.parts.config.limits.resultBytes;
    const read = outcome.status === "succeeded"
      ? await this.reader.readResult(
        { executionId: record.id, text: outcome.resultText, bytesMax },
        record.peer.uid,
      )
      : null;
    const settlement = settlementOf(record, outcome, read, startedAtMs, this.parts);
    const settled = await this.parts.ledger.settle(settlement).catch((error: unknown) => {
      this.parts.onUnsettled(record.id, error);
      throw new Refusal(
        "outcome_unknown",
        "It was started, but its outcome could not be recorded.",
      );
    });
    stations.passed("settle");
    this.onSettled(settled);
    return executionView(settled, { ...settlement, requestSalt: salt, resolution: null });
  }
}

interface KeptResult extends ShownResult {
  readonly commitment: Digest;
}

/** `read`: what the handler returned; null where that is nothing, or invalid. */
export function settlementOf(
  record: ExecutionRecord,
  outcome: Outcome,
  read: ResultText | null,
  startedAtMs: number | null,
  { clock, config, ledger, sign, onUnstored }: EngineParts,
): Settlement & { readonly result: KeptResult | null } {
  const result = read === null ? null : kept(read);
  const settled = {
    ...endOf(outcome, result),
    startedAtMs,
    settledAtMs: clock.nowMs(),
    resultCommitment: result?.commitment ?? null,
  };
  const isDevelopment = config.developmentApprover !== null;
  return {
    ...settled,
    id: record.id,
    result,
    reason: outcome.status === "failed" ? outcome.reason ?? null : null,
    retention: retentionOf(record.action, config),
    receipt: sign(executionReceipt(ledger.executorId, { ...record, ...settled }, isDevelopment)),
    onUnstored: (error) => onUnstored(record.id, error),
  };
}

function kept({ canonical, digest, legacyReceipt }: ResultText): KeptResult {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  return { canonical, salt, legacyReceipt, commitment: commitment(salt, digest) };
}

function endOf(outcome: Outcome, result: KeptResult | null): Pick<Settlement, "status" | "code"> {
  if (outcome.status !== "succeeded") return { status: outcome.status, code: outcome.code };
  return result === null
    ? { status: "failed", code: "result_invalid" }
    : { status: "succeeded", code: null };
}

/** An action's own retention where it has one, else the general one. */
export function retentionOf(
  action: string,
  config: Pick<Config, "retention" | "actions">,
): Retention {
  return { ...config.retention, ...config.actions.get(action)?.retention };
}
