/** Checks whether a payload or result is the one that a receipt commits to. */

import { actionDigest, canonicalNode, canonicalRequest } from "../core/json/canonical_json.ts";
import { hexEncode, utf8Encode } from "../core/bytes.ts";
import { unlessRefused } from "../core/caught.ts";
import { type JsonNode, parseCanonical, parseIJson } from "../core/json/json.ts";
import { pythonJson } from "../core/json/python_json.ts";
import { digestOf, sha256 } from "../core/sha.ts";
import type { Digest } from "../core/types.ts";
import { commitment, type Receipt } from "./receipt.ts";
import type { Answer } from "./receipt_file.ts";
import { type Check, failed, notChecked, passed } from "./verification.ts";

/** Checks `payload`, a JSON text, if there is one. */
export function requestCheck(
  receipt: Receipt,
  payload: string | undefined,
  salt: Uint8Array | null,
): Check[] {
  if (receipt.kind !== "execution" && receipt.kind !== "decision") {
    return payload === undefined
      ? []
      : [failed("request", "this receipt is of no request, so of no payload")];
  }
  if (payload === undefined) return [notChecked("request", "no payload was given")];
  const node = unlessRefused(() => parseIJson(payload));
  if (node?.kind !== "object") return [failed("request", "the payload given is no I-JSON object")];
  if (salt === null) return [failed("request", "the salt of the request is not there")];
  const digest = actionDigest(canonicalRequest(receipt.action, node));
  return [opened("request", commitment(salt, digest), receipt.request_commitment)];
}

/** Checks the result that the answer shows and the one that was given, if there are any. */
export function resultCheck(
  receipt: Receipt,
  answer: Answer | null,
  given: string | undefined,
  salt: Uint8Array | null,
): Check[] {
  const committed = receipt.kind === "execution" ? receipt.result_commitment : undefined;
  if (committed === undefined) {
    const shown = given !== undefined || (answer !== null && !isNull(answer.result));
    return shown ? [failed("result", "the receipt knows of no result")] : [];
  }
  const check = (node: JsonNode | undefined): Check => {
    if (node === undefined) return failed("result", "the result given is no JSON");
    if (salt === null) return failed("result", "the salt of the result is not there");
    return opened("result", commitment(salt, digestOf(utf8Encode(canonicalNode(node)))), committed);
  };
  const checks = given === undefined ? [] : [check(unlessRefused(() => parseCanonical(given)))];
  if (answer !== null && !(answer.resultPruned && isNull(answer.result))) {
    checks.push(check(answer.result));
  }
  return checks.length > 0 ? checks : [notChecked("result", "no result is shown")];
}

/** Checks OpenExec 0.1.10's receipt: a hash of id, colon, and the result as Python prints it. */
export function legacyHashCheck(answer: Answer | null): Check[] {
  if (answer === null || answer.legacyHash === null || answer.resultPruned || answer.resolved) {
    return [];
  }
  const text = `${answer.id}:${pythonJson(answer.result, "default")}`;
  return hexEncode(sha256(utf8Encode(text))) === answer.legacyHash
    ? [passed("legacy_hash", "the hash of id and result is right")]
    : [failed("legacy_hash", "the hash of id and result is another")];
}

function opened(name: "request" | "result", made: Digest, committed: Digest): Check {
  return made === committed
    ? passed(name, "it is the one that was committed to")
    : failed(name, "it is not the one that was committed to");
}

function isNull(node: JsonNode): boolean {
  return node.kind === "literal" && node.value === null;
}
