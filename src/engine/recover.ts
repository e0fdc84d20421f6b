/**
 * What a dead daemon left behind: every execution still `reserved` becomes `outcome_unknown`, with a receipt, unless its
 * action is declared `idempotent` and `on_interrupt = "rerun"`: then it runs again under the same idempotency key.
 *
 * Invariant: called once, after it is certain that no executor of the predecessor lives, before anyone is let in; so a
 * rerun is never beside its former self (G1), and nothing unknown is guessed (G4).
 */

import { sleep } from "../core/wait.ts";
import { Refusal } from "../core/errors.ts";
import type { Slot } from "../executor/executor.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import type { EngineParts } from "./parts.ts";
import type { Runs } from "./runs.ts";
import { settlementOf } from "./settlement.ts";
import { stopwatch } from "./stopwatch.ts";
import { loadSettled, type Settled } from "./view.ts";

export interface Recovery {
  readonly unknown: number;
  readonly rerun: number;
  /** To be called once callers can be answered; resolves when the last of them has settled. */
  readonly runAgain: () => Promise<void>;
}

/** How often a rerun looks whether there is a slot that a new request was faster to take, and whether it may start. */
const LOOK_EVERY_MS = 25;

/** On a full disk recovery gives up after about so many tenths of a second, since nobody could be told why it takes so long. */
const SETTLE_ATTEMPTS = 20;

/**
 * Resolves when every outcome that stays unknown is on disk and every rerun for which there is a slot holds it.
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
      runs.expect(record.id, rerun(record, slot, parts, runs))
    );
    await Promise.all(outcomes.map((outcome) => outcome.catch(parts.onBug)));
  };
  return { unknown: unknown.length, rerun: again.length, runAgain };
}

/** Never under other code than was approved (G5), nor without the very bytes that were. */
function mayRerun(record: ExecutionRecord, parts: EngineParts): boolean {
  const action = parts.config.actions.get(record.action);
  return action?.onInterrupt === "rerun" && action.idempotent &&
    parts.executors.actions.get(record.action)?.digest === record.handlerDigest &&
    parts.ledger.openRequest(record.id) !== undefined;
}

/** undefined when it was not started: the next daemon finds it as this one did. */
async function rerun(
  record: ExecutionRecord,
  free: Slot | undefined,
  parts: EngineParts,
  runs: Runs,
): Promise<Settled | undefined> {
  const slot = free ?? await slotFor(record.action, parts, runs);
  if (slot === undefined) return undefined;
  const body = parts.ledger.openRequest(record.id);
  if (body === undefined) {
    slot.release();
    return loadSettled(await settleUnknown(record, parts), parts.ledger);
  }
  const order = { record, canonical: body.canonical, requestSalt: body.salt, traceparent: null };
  return await runs.start(order, slot, stopwatch());
}

/** undefined when the daemon stops first. */
async function slotFor(action: string, parts: EngineParts, runs: Runs): Promise<Slot | undefined> {
  while (!runs.draining) {
    const slot = freeSlot(action, parts);
    if (slot !== undefined) return slot;
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

/** While the daemon is halted nothing starts, this no more than what is new. */
function freeSlot(action: string, { executors, ledger }: EngineParts): Slot | undefined {
  try {
    return ledger.health().halted ? undefined : executors.acquire(action);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

async function settleUnknown(
  record: ExecutionRecord,
  parts: EngineParts,
): Promise<ExecutionRecord> {
  const outcome = { status: "outcome_unknown", code: "outcome_unknown" } as const;
  return await parts.ledger.settle(settlementOf(record, outcome, null, parts), SETTLE_ATTEMPTS);
}
