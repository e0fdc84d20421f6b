/**
 * Turns an outcome into what is written: the strictly parsed result, its commitment, and the
 * signed receipt.
 *
 * Invariant: every outcome becomes exactly one settlement. A result that is not I-JSON or too large
 * is `result_invalid`, never an exception: after the reservation nothing may refuse.
 */

import { canonicalNode } from "../core/json/canonical_json.ts";
import { utf8Encode } from "../core/bytes.ts";
import { parseIJson } from "../core/json/json.ts";
import { pythonJson } from "../core/json/python_json.ts";
import { digestOf } from "../core/sha.ts";
import type { Digest, Outcome } from "../core/types.ts";
import type { Config, Retention } from "../config/config.ts";
import type { ExecutionRecord, Settlement } from "../ledger/types.ts";
import { commitment, executionReceipt } from "../log/receipt.ts";
import type { EngineParts } from "./types.ts";
import { legacyReceiptOf, type ShownResult } from "./view.ts";

interface ReadResult extends ShownResult {
  readonly commitment: Digest;
}

export function settlementOf(
  record: ExecutionRecord,
  outcome: Outcome,
  startedAtMs: number | null,
  { clock, config, ledger, sign, onUnstored }: EngineParts,
): Settlement & { readonly result: ReadResult | null } {
  const result = outcome.status === "succeeded"
    ? readResult(record.id, outcome.resultText, config.limits.resultBytes)
    : null;
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

function endOf(outcome: Outcome, result: ReadResult | null): Pick<Settlement, "status" | "code"> {
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

/**
 * The only parse and the only print of a result; null where it is invalid. Its receipt is that of
 * its canonical text, because a replay knows no other.
 */
function readResult(executionId: string, text: string, bytesMax: number): ReadResult | null {
  try {
    const node = parseIJson(text);
    const canonical = canonicalNode(node);
    const bytes = utf8Encode(canonical);
    if (bytes.length > bytesMax) return null;
    const salt = crypto.getRandomValues(new Uint8Array(32));
    return {
      canonical,
      salt,
      legacyReceipt: legacyReceiptOf(executionId, pythonJson(node, "default", "canonical")),
      commitment: commitment(salt, digestOf(bytes)),
    };
  } catch {
    return null;
  }
}
