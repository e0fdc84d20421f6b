/**
 * From an outcome to what is written: the result parsed strictly, its commitment, and the signed receipt.
 *
 * Invariant: every outcome becomes exactly one settlement; a result that is no I-JSON, or too large, is `result_invalid`,
 * never an exception, because after the reservation nothing may refuse.
 */

import { canonicalNode } from "../core/canonical_json.ts";
import type { Clock } from "../core/clock.ts";
import { utf8Encode } from "../core/bytes.ts";
import { parseIJson } from "../core/json.ts";
import { digestOf } from "../core/sha.ts";
import type { Digest, Outcome } from "../core/types.ts";
import type { Config, Retention } from "../config/config.ts";
import type { ExecutionRecord, ResultBody, Settlement } from "../ledger/types.ts";
import { commitment, executionReceipt, type Receipt } from "../log/receipt.ts";

import type { SignedReceipt } from "../log/signed_receipt.ts";

export interface SettlementParts {
  readonly clock: Clock;
  readonly config: Pick<Config, "limits" | "retention" | "actions">;
  readonly sign: (receipt: Receipt) => SignedReceipt;
  readonly executorId: string;
  readonly developmentApprover: boolean;
}

export function settlementOf(
  record: ExecutionRecord,
  reported: Outcome,
  startedAtMs: number | null,
  parts: SettlementParts,
): Settlement {
  const result = reported.status === "succeeded"
    ? readResult(reported.resultText, parts.config.limits.resultBytes)
    : null;
  const outcome: Outcome = reported.status === "succeeded" && result === null
    ? { status: "failed", code: "result_invalid" }
    : reported;
  const settledAtMs = parts.clock.nowMs();
  const resultCommitment = result === null ? null : commitment(result.salt, result.digest);
  const code = outcome.status === "succeeded" ? null : outcome.code;
  const settled = {
    ...record,
    status: outcome.status,
    code,
    resultCommitment,
    startedAtMs,
    settledAtMs,
  };
  return {
    id: record.id,
    status: outcome.status,
    code,
    startedAtMs,
    settledAtMs,
    result,
    resultCommitment,
    retention: retentionOf(record.action, parts.config),
    receipt: parts.sign(executionReceipt(parts.executorId, settled, parts.developmentApprover)),
  };
}

/** An action's own retention where it has one, else the general one. */
export function retentionOf(
  action: string,
  config: Pick<Config, "retention" | "actions">,
): Retention {
  return { ...config.retention, ...config.actions.get(action)?.retention };
}

interface ReadResult extends ResultBody {
  readonly digest: Digest;
}

function readResult(text: string, bytesMax: number): ReadResult | null {
  try {
    const canonical = canonicalNode(parseIJson(text));
    const bytes = utf8Encode(canonical);
    if (bytes.length > bytesMax) return null;
    return { canonical, salt: crypto.getRandomValues(new Uint8Array(32)), digest: digestOf(bytes) };
  } catch {
    return null;
  }
}
