/** The answer of POST /execute for an execution of a SampleLog, as the daemon makes it. */

import { base64Encode, hexEncode, utf8Encode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import type { JsonObject } from "../../src/core/types.ts";
import { decodeReceipt } from "../../src/log/receipt.ts";
import { SALTS, type SampleLog } from "./sample_log.ts";

export const PAYLOAD = '{"amount": 5}';

/** Of the execution logged at `index`, whose result is {"ok":true} if it succeeded. */
export function answerOf(log: SampleLog, index: number): JsonObject {
  const receipt = decodeReceipt(log.entry(index).body);
  if (receipt?.kind !== "execution") throw new Error("that entry is no execution");
  const succeeded = receipt.status === "succeeded";
  return {
    id: receipt.execution_id,
    action: receipt.action,
    status: receipt.status,
    ...(receipt.code === undefined ? {} : { code: receipt.code }),
    approved: true,
    ...(receipt.mode === "demo" ? { exec_mode: "demo" } : {}),
    result: succeeded ? { ok: true } : null,
    replayed: false,
    receipt: hexEncode(
      sha256(utf8Encode(`${receipt.execution_id}:${succeeded ? '{"ok": true}' : "null"}`)),
    ),
    attestation: log.envelope(index),
    salts: { request: base64Encode(SALTS.request), result: base64Encode(SALTS.result) },
    log_index: index,
  };
}
