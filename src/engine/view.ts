/**
 * The execution object of POST /execute and GET /executions: OpenExec 0.1.10's members and ours.
 *
 * `receipt` is OpenExec's own: SHA-256 in hex of `id + ":" + json.dumps(result, sort_keys=True)` as
 * Python writes it. It has no key, so anyone can make one; `attestation` is the proof.
 */

import { base64Encode, stringOf, type Text } from "../core/bytes.ts";
import { parseCanonical } from "../core/json/json.ts";
import { JsonText, type Printable } from "../core/json/json_text.ts";
import { type ErrorCode, Refusal } from "../core/errors.ts";
import { pythonJson } from "../core/json/python_json.ts";
import type { ExecutionStatus, Meter } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import { legacyReceiptOf } from "./result.ts";
import { receiptEnvelope, type SignedReceipt } from "../log/signed_receipt.ts";

export type ExecutionView = { readonly [member: string]: Printable } & {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly code?: ErrorCode;
  /** Set by the engine on the answer to a replay; false in the ledger's view. */
  readonly replayed: boolean;
};

/** The members of a view beside the record; null where pruned, or never stored. */
export interface Shown {
  /** 32 bytes. */
  readonly requestSalt: Uint8Array | null;
  readonly result: ShownResult | null;
  /** The handler's words for whoever asked, of a failure. */
  readonly reason: string | null;
  readonly receipt: SignedReceipt | null;
  /** An operator's declaration: without it, a declared outcome would look like a forged one. */
  readonly resolution: SignedReceipt | null;
  /** Whether bodies are kept that do not open: the vault has no key for them. */
  readonly isUnreadable?: boolean;
}

export interface ShownResult {
  readonly canonical: Text;
  /** OpenExec's receipt of the execution. */
  readonly legacyReceipt: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** The ledger, as views are read back from it. */
export type ViewedLedger = Pick<Ledger, "log" | "readSalt" | "readResult" | "readReason">;

export function executionView(
  record: ExecutionRecord,
  { requestSalt, result, reason, receipt, resolution, isUnreadable = false }: Shown,
): ExecutionView {
  const isWithoutResult = record.resultCommitment !== null && result === null;
  const hasLegacyReceipt = record.status !== "reserved" && !isWithoutResult;
  return {
    id: record.id,
    action: record.action,
    status: record.status,
    approved: true,
    ...(record.mode === "demo" ? { exec_mode: "demo" } : {}),
    ...(record.code === null ? {} : { code: record.code }),
    ...(reason === null ? {} : { reason }),
    result: result === null ? null : new JsonText(result.canonical),
    ...(isUnreadable ? { unreadable: true } : isWithoutResult ? { result_pruned: true } : {}),
    ...(record.resolution === null
      ? {}
      : { resolved: true, resolution_log_index: record.resolution.logIndex }),
    ...(resolution === null ? {} : { resolution: receiptEnvelope(resolution) }),
    replayed: false,
    receipt: hasLegacyReceipt ? result?.legacyReceipt ?? legacyReceiptOf(record.id, "null") : null,
    attestation: receipt === null ? null : receiptEnvelope(receipt),
    salts: {
      ...(requestSalt === null ? {} : { request: base64Encode(requestSalt) }),
      ...(result === null ? {} : { result: base64Encode(result.salt) }),
    },
    log_index: record.logIndex,
  };
}

/** The view of an execution as the ledger has it now. */
export async function loadView(
  record: ExecutionRecord,
  ledger: ViewedLedger,
  meter?: Meter,
): Promise<ExecutionView> {
  return executionView(record, await openBodies(record, ledger, meter));
}

/**
 * Opens the bodies that are kept, all as they are at the call. `textLength` is that of
 * all texts together.
 */
async function openBodies(
  record: ExecutionRecord,
  ledger: ViewedLedger,
  meter?: Meter,
): Promise<Shown & { readonly textLength: number }> {
  const [request, result, reason = null] = await Promise.all([
    ledger.readSalt(record.id, meter),
    ledger.readResult(record.id, meter),
    record.status === "failed" ? ledger.readReason(record.id, meter) : undefined,
  ]);
  return {
    ...receiptsOf(record, ledger),
    requestSalt: request?.salt ?? null,
    result: result === undefined ? null : {
      ...result,
      legacyReceipt: result.legacyReceipt ??
        legacyReceiptOf(
          record.id,
          pythonJson(parseCanonical(stringOf(result.canonical)), "default"),
        ),
    },
    reason,
    textLength: (result?.canonical.length ?? 0) + (request?.length ?? 0) + (reason?.length ?? 0),
  };
}

/**
 * Opens the bodies for a page of many. One whose key the vault has lost is an error of its own, and
 * no reason to withhold the others.
 */
export async function openListed(
  record: ExecutionRecord,
  ledger: ViewedLedger,
  meter?: Meter,
): Promise<Shown & { readonly textLength: number }> {
  try {
    return await openBodies(record, ledger, meter);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== "ledger_unavailable") throw error;
    const bodies = { requestSalt: null, result: null, reason: null, textLength: 0 };
    return { ...receiptsOf(record, ledger), ...bodies, isUnreadable: true };
  }
}

function receiptsOf(
  record: ExecutionRecord,
  { log }: ViewedLedger,
): Pick<Shown, "receipt" | "resolution"> {
  const receiptAt = (index: number | undefined | null) =>
    index === undefined || index === null ? null : log.leaf(index) ?? null;
  return {
    receipt: receiptAt(record.logIndex),
    resolution: receiptAt(record.resolution?.logIndex),
  };
}
