/**
 * Reads the result of a handler: its canonical text, the digest, and OpenExec's own receipt. They
 * are plain data, because a thread may have read them (request_reader.ts).
 */

import { hexEncode, pooledUtf8, type Text, textOf, utf8Encode } from "../core/bytes.ts";
import { memberOf, parseIJson } from "../core/json/json.ts";
import { canonicalNode } from "../core/json/canonical_json.ts";
import { Refusal } from "../core/errors.ts";
import { pythonJson } from "../core/json/python_json.ts";
import { digestOf, sha256 } from "../core/sha.ts";
import type { Digest } from "../core/types.ts";

export interface ResultText {
  readonly canonical: Text;
  readonly digest: Digest;
  /** OpenExec's receipt of the execution. */
  readonly legacyReceipt: string;
}

/** A result as its handler returned it. */
export interface ReturnedResult {
  readonly executionId: string;
  readonly text: string;
  /** The most that its canonical text may have. */
  readonly bytesMax: number;
}

/**
 * The only parse and the only print of a result; null where it is not I-JSON or too large. Its
 * receipt is that of its canonical text, because a replay knows no other.
 */
export function readResult({ executionId, text, bytesMax }: ReturnedResult): ResultText | null {
  try {
    const node = parseIJson(text);
    const canonical = canonicalNode(node);
    const bytes = utf8Encode(canonical);
    if (bytes.length > bytesMax) return null;
    return {
      canonical: textOf(bytes) ?? canonical,
      digest: digestOf(bytes),
      legacyReceipt: legacyReceiptOf(executionId, pythonJson(node, "default", "canonical")),
    };
  } catch {
    return null;
  }
}

/**
 * Tells whether the `receipt` of `body` is OpenExec 0.1.10's hash of its `exec_id` and `result`.
 * Its clients send the result as the text that was hashed; others may send the value. That is kept
 * as it was written: Python tells 1 from 1.0, and so does the receipt. Throws a Refusal:
 * request_malformed, payload_not_i_json.
 */
export function isLegacyReceipt(body: Uint8Array): boolean {
  const node = parseIJson(body);
  const [id, result, receipt] = ["exec_id", "result", "receipt"].map((name) =>
    memberOf(node, name)
  );
  const count = node.kind === "object" ? node.members.length : 0;
  if (count !== 3 || id?.kind !== "string" || result === undefined || receipt?.kind !== "string") {
    const detail = "The body must be an object of exec_id, result and receipt.";
    throw new Refusal("request_malformed", detail);
  }
  const texts = [
    pythonJson(result, "default"),
    ...(result.kind === "string" ? [result.value] : []),
  ];
  return texts.some((text) => legacyReceiptOf(id.value, text) === receipt.value);
}

/** `resultText`: the result as Python's json.dumps(sort_keys=True) writes it. */
export function legacyReceiptOf(executionId: string, resultText: string): string {
  return hexEncode(sha256(pooledUtf8(`${executionId}:${resultText}`)));
}
