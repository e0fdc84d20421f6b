/**
 * The execution object of POST /execute and GET /executions: OpenExec 0.1.10's fields and ours, from a settled record.
 *
 * `receipt` is OpenExec's own: SHA-256 in hex of `id + ":" + json.dumps(result, sort_keys=True)` as Python writes it.
 * It is unkeyed, so anyone can make one: `attestation` is what proves something.
 */

import { base64Encode, hexEncode, utf8Encode } from "../core/bytes.ts";
import { parseCanonical } from "../core/json.ts";
import { pythonJson } from "../core/python_json.ts";
import { sha256 } from "../core/sha.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ExecutionRecord, ResultBody } from "../ledger/types.ts";
import { receiptEnvelope, type SignedReceipt } from "../log/signed_receipt.ts";

/** A record with what its answer needs beside it; the bodies are null where they were pruned or never stored. */
export interface Settled {
  readonly record: ExecutionRecord;
  readonly result: ResultBody | null;
  readonly requestSalt: Uint8Array | null;
  readonly receipt: SignedReceipt | null;
  /** Of an operator's declaration: without it nobody could tell a declared outcome from a forged one. */
  readonly resolution?: SignedReceipt;
}

/** What was read back. */
export interface Loaded extends Settled {
  /** Of the bodies that were opened for it, in UTF-16 code units: what the reading and the showing of it cost. */
  readonly textLength: number;
}

/** What it is read back from. */
export type SettledLedger = Pick<Ledger, "log" | "openRequest" | "openResult">;

/** Reads back what an earlier settlement left. */
export function loadSettled(record: ExecutionRecord, ledger: SettledLedger): Loaded {
  const result = ledger.openResult(record.id) ?? null;
  const request = ledger.openRequest(record.id) ?? null;
  const resolution = record.resolution === null
    ? undefined
    : ledger.log.leaf(record.resolution.logIndex);
  return {
    record,
    result,
    requestSalt: request?.salt ?? null,
    textLength: (result?.canonical.length ?? 0) + (request?.canonical.length ?? 0) +
      (request?.approvalText?.length ?? 0),
    receipt: record.logIndex === null ? null : ledger.log.leaf(record.logIndex) ?? null,
    ...(resolution === undefined ? {} : { resolution }),
  };
}

/** `python`: the result as Python's json.dumps(sort_keys=True) writes it. */
export function legacyReceiptOf(executionId: string, python: string): string {
  return hexEncode(sha256(utf8Encode(`${executionId}:${python}`)));
}

export function executionView(settled: Settled, replayed: boolean): JsonObject {
  const { record, result, receipt, resolution } = settled;
  const pruned = record.resultCommitment !== null && result === null;
  return {
    id: record.id,
    action: record.action,
    status: record.status,
    approved: true,
    ...(record.mode === "demo" ? { exec_mode: "demo" } : {}),
    ...(record.code === null ? {} : { code: record.code }),
    result: result === null ? null : JSON.parse(result.canonical) as Json,
    ...(pruned ? { result_pruned: true } : {}),
    ...(record.resolution === null
      ? {}
      : { resolved: true, resolution_log_index: record.resolution.logIndex }),
    ...(resolution === undefined ? {} : { resolution: receiptEnvelope(resolution) }),
    replayed,
    receipt: pruned || record.status === "reserved" ? null : legacyReceiptOf(
      record.id,
      pythonJson(parseCanonical(result?.canonical ?? "null"), "default"),
    ),
    attestation: receipt === null ? null : receiptEnvelope(receipt),
    salts: salts(settled),
    log_index: record.logIndex,
  };
}

function salts({ requestSalt, result }: Settled): JsonObject {
  return {
    ...(requestSalt === null ? {} : { request: base64Encode(requestSalt) }),
    ...(result === null ? {} : { result: base64Encode(result.salt) }),
  };
}
