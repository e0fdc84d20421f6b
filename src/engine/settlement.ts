/**
 * Turns an outcome into what is written: the result that was read, its commitment, and the signed
 * receipt.
 *
 * Invariant: every outcome becomes exactly one settlement. A result that is not I-JSON or too large
 * is `result_invalid`, never an exception: after the reservation nothing may refuse.
 */

import type { Digest, Outcome } from "../core/types.ts";
import type { Config, Retention } from "../config/config.ts";
import type { ExecutionRecord, Settlement } from "../ledger/types.ts";
import { commitment, executionReceipt } from "../log/receipt.ts";
import type { ResultText } from "./result.ts";
import type { EngineParts } from "./types.ts";
import type { ShownResult } from "./view.ts";

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
