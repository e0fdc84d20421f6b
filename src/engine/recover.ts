/**
 * Settles what a dead daemon left behind: every execution still `reserved` becomes
 * `outcome_unknown`, with a receipt. An action that is `idempotent` with `on_interrupt = "rerun"`
 * runs again instead, under the same idempotency key.
 *
 * Invariant: called once, when no executor of the predecessor can be alive and before anyone is let
 * in. So a rerun is never beside its former self (G1), and no outcome is guessed (G4).
 */

import { sleep } from "../core/wait.ts";
import { unlessRefused } from "../core/caught.ts";
import type { Slot } from "../executor/types.ts";
import type { ExecutionRecord, RequestBody } from "../ledger/types.ts";
import { type Runs, settlementOf } from "./runs.ts";
import type { EngineParts } from "./types.ts";
import { type ExecutionView, loadView } from "./view.ts";

export interface Recovery {
  readonly unknown: number;
  readonly rerun: number;
  /** Call it once callers can be answered; resolves when the last rerun has settled. */
  readonly runAgain: () => Promise<void>;
}

/** How often a waiting rerun looks for a free slot. */
const LOOK_EVERY_MS = 25;

/** Recovery gives up on a full disk after about two seconds, so that the start can say why. */
const SETTLE_ATTEMPTS = 20;

/**
 * Resolves when every unknown outcome is on disk and every rerun with a free slot holds it.
 * Throws a Refusal: storage_full, ledger_unavailable; then nothing has run again.
 */
export async function recover(parts: EngineParts, runs: Runs): Promise<Recovery> {
  const interrupted = parts.ledger.unsettled();
  const again = interrupted.filter((record) => mayRerun(record, parts));
  const unknown = interrupted.filter((record) => !again.includes(record));
  await Promise.all(unknown.map((record) => settleUnknown(record, parts)));
  const held = again.map((record) => ({ record, slot: freeSlot(record.action, parts) }));
  const runAgain = async () => {
    const outcomes = held.map(({ record, slot }) =>
      runs.announceRerun(record.id, rerun(record, slot, parts, runs))
    );
    await Promise.all(outcomes.map((outcome) => outcome.catch(parts.onBug)));
  };
  return { unknown: unknown.length, rerun: again.length, runAgain };
}

/** A rerun needs the very code that was approved (G5), and the very bytes. */
function mayRerun(record: ExecutionRecord, parts: EngineParts): boolean {
  const action = parts.config.actions.get(record.action);
  return action?.onInterrupt === "rerun" && action.idempotent &&
    parts.executors.actions.get(record.action)?.digest === record.handlerDigest &&
    requestOf(record, parts) !== undefined;
}

/** Returns undefined where it was pruned, or cannot be read: then the outcome stays unknown. */
function requestOf(record: ExecutionRecord, { ledger }: EngineParts): RequestBody | undefined {
  return unlessRefused(() => ledger.openRequest(record.id));
}

/** Resolves to undefined when it was not started: the next daemon finds it as this one did. */
async function rerun(
  record: ExecutionRecord,
  free: Slot | undefined,
  parts: EngineParts,
  runs: Runs,
): Promise<ExecutionView | undefined> {
  const slot = free ?? await slotFor(record.action, parts, runs);
  if (slot === undefined) return undefined;
  const body = requestOf(record, parts);
  if (body !== undefined) return await runs.start(record, body, slot);
  slot.release();
  return await loadView(await settleUnknown(record, parts), parts.ledger);
}

/** Waits for a slot; undefined when the daemon stops first. */
async function slotFor(action: string, parts: EngineParts, runs: Runs): Promise<Slot | undefined> {
  while (!runs.isDraining) {
    const slot = freeSlot(action, parts);
    if (slot !== undefined) return slot;
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

/** A halted daemon starts nothing, reruns included. */
function freeSlot(action: string, { executors, ledger }: EngineParts): Slot | undefined {
  return unlessRefused(() => ledger.health().halted ? undefined : executors.acquire(action));
}

async function settleUnknown(
  record: ExecutionRecord,
  parts: EngineParts,
): Promise<ExecutionRecord> {
  const outcome = { status: "outcome_unknown", code: "outcome_unknown" } as const;
  return await parts.ledger.settle(
    settlementOf(record, outcome, null, null, parts),
    SETTLE_ATTEMPTS,
  );
}
