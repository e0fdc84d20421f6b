/**
 * What a dead daemon left behind: every execution still `reserved` becomes `outcome_unknown`, with a receipt, unless its
 * action is declared `idempotent` and `on_interrupt = "rerun"`: then it runs again under the same idempotency key.
 *
 * Invariant: called once, after it is certain that no executor of the predecessor lives, before anyone is let in; so a
 * rerun is never beside its former self (G1), and nothing unknown is guessed (G4).
 */

import type { ExecutionRecord } from "../ledger/ledger.ts";
import type { EngineParts } from "./parts.ts";
import type { Runs } from "./runs.ts";
import { settlementOf } from "./settlement.ts";
import { stopwatch } from "./stopwatch.ts";

export interface Recovery {
  readonly unknown: number;
  readonly rerun: number;
  /** Resolves when the last rerun has settled; the daemon serves meanwhile. */
  readonly reruns: Promise<void>;
}

/** Resolves when every outcome that stays unknown is on disk and the first rerun of each action holds its slot. */
export async function recover(parts: EngineParts, runs: Runs): Promise<Recovery> {
  const interrupted = parts.ledger.unsettled();
  const again = interrupted.filter((record) => mayRerun(record, parts));
  const unknown = interrupted.filter((record) => !again.includes(record));
  const reruns = [...Map.groupBy(again, (record) => record.action).values()]
    .map((records) => rerunInTurn(records, parts, runs));
  await Promise.all(unknown.map((record) => settleUnknown(record, parts)));
  return {
    unknown: unknown.length,
    rerun: again.length,
    reruns: Promise.allSettled(reruns).then(() => undefined),
  };
}

/** Never under other code than was approved (G5), nor without the very bytes that were. */
function mayRerun(record: ExecutionRecord, parts: EngineParts): boolean {
  const action = parts.config.actions.get(record.action);
  return action?.onInterrupt === "rerun" && action.idempotent &&
    parts.executors.actions.get(record.action)?.digest === record.handlerDigest &&
    parts.ledger.openRequest(record.id) !== undefined;
}

async function rerunInTurn(
  records: readonly ExecutionRecord[],
  parts: EngineParts,
  runs: Runs,
): Promise<void> {
  for (const record of records) {
    const started = rerun(record, parts, runs) ?? settleUnknown(record, parts);
    await started.catch(parts.onBug);
  }
}

/** undefined where no slot can be had: calling it unknown is always true. */
function rerun(record: ExecutionRecord, parts: EngineParts, runs: Runs): Promise<unknown> | undefined {
  const body = parts.ledger.openRequest(record.id);
  if (body === undefined) return undefined;
  try {
    const slot = parts.executors.acquire(record.action);
    const order = { record, canonical: body.canonical, requestSalt: body.salt, traceparent: null };
    return runs.start(order, slot, stopwatch());
  } catch {
    return undefined;
  }
}

function settleUnknown(record: ExecutionRecord, parts: EngineParts): Promise<unknown> {
  const outcome = { status: "outcome_unknown", code: "outcome_unknown" } as const;
  return parts.ledger.settle(settlementOf(record, outcome, null, parts));
}
