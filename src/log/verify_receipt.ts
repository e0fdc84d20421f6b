/**
 * Verifies a receipt offline. The command, the SDK and a browser use this same function.
 *
 * Invariants:
 * - V1 The verdict rests on keys that the caller brings, never on one that the file names.
 * - V2 A question that cannot be answered fails. Only what was not asked for is `not_checked`.
 */

import { factsText } from "../core/approvers_needed.ts";
import { keyidOf, parseReceiptKey } from "./keyid.ts";
import type { DecisionReceipt, ExecutionReceipt, Receipt, SignerReceipt } from "./receipt.ts";
import { type Answer, parseReceiptFile, type ReceiptFile, type Salts } from "./receipt_file.ts";
import { openReceipt, type SignedReceipt, verifyReceiptSignature } from "./signed_receipt.ts";
import {
  type Check,
  failed,
  isGenuine,
  notChecked,
  passed,
  type Verification,
} from "./verification.ts";
import { type LogQuestions, verifyLogged } from "./verify_logged.ts";
import { legacyHashCheck, requestCheck, resultCheck } from "./verify_opened.ts";

export interface VerifyOptions extends LogQuestions {
  /** The executor's keys, 32 bytes each. Without any, the report names the keyid and fails. */
  readonly executorKeys: readonly Uint8Array[];
  /** Receipts of key changes, in any order. One that a trusted key signed adds the key it names. */
  readonly keyReceipts?: readonly SignedReceipt[];
  readonly executorId?: string;
  /** JSON text of the payload, to compare with the commitment. */
  readonly payload?: string;
  /** JSON text of the result. Needed only where the file does not show it. */
  readonly result?: string;
  /** Needed only where the file does not hold them. */
  readonly salts?: Partial<Salts>;
}

/** Verifies `text`, a file of receipt_file.ts. Never throws, whatever it holds. */
export function verifyReceipt(text: string, options: VerifyOptions): Verification {
  const file = parseReceiptFile(text);
  if (file === undefined) {
    return verdict(null, null, null, [
      failed("file", "this is no receipt, nor an answer that holds one"),
    ]);
  }
  const receipt = openReceipt(file.receipt);
  if (receipt === undefined) {
    return verdict(null, file.receipt.keyid, null, [
      failed("body", "the signed body is no receipt"),
    ]);
  }
  const keys = trustedKeys(receipt.executor_id, options);
  const logged = verifyLogged(file, receipt.executor_id, [...keys.values()], options);
  return verdict(receipt, file.receipt.keyid, logged.index, [
    passed("body", summaryOf(receipt)),
    signatureCheck(file.receipt, keys),
    executorCheck(receipt, options.executorId),
    ...(file.answer === null ? [] : [answerCheck(file.answer, receipt, keys)]),
    ...openedChecks(file, receipt, options),
    ...logged.checks,
  ]);
}

function verdict(
  receipt: Receipt | null,
  keyid: string | null,
  logIndex: number | null,
  checks: readonly Check[],
): Verification {
  return { ok: isGenuine(checks), receipt, keyid, logIndex, checks };
}

/** Names the kind, and who approved an execution, so that demo mode does not pass for approval. */
function summaryOf(receipt: Receipt): string {
  if (receipt.kind === "decision") return decisionSummary(receipt);
  if (receipt.kind !== "execution") return `a receipt of kind ${receipt.kind}`;
  if (receipt.approval === undefined) return "an execution in demo mode: nobody approved it";
  const names = receipt.approval.signers.map(signerText).join(" and ");
  const weakness = receipt.development_approver ? ", with a development key" : "";
  return `an execution approved by ${names}${weakness}`;
}

function decisionSummary({ decision, by }: DecisionReceipt): string {
  if (by === undefined) return `a proposal that ended as ${decision}`;
  return `a proposal ${decision} by ${"uid" in by ? `uid ${by.uid}` : signerText(by)}`;
}

/** Names a signer, and the kind of key where the receipt tells it. */
function signerText(signer: SignerReceipt | Pick<SignerReceipt, "name">): string {
  if (!("kind" in signer)) return signer.name;
  const { name, kind, hardware = false, user_verified: userVerified } = signer;
  return `${name} (${factsText({ kind, hardware, userVerified })})`;
}

type TrustedKeys = ReadonlyMap<string, Uint8Array>;

/** Returns trusted keys by keyid. An old key vouches for a new one, never the new for the old. */
function trustedKeys(executorId: string, options: VerifyOptions): TrustedKeys {
  const keys = new Map<string, Uint8Array>(options.executorKeys.map((key) => [keyidOf(key), key]));
  const changes = (options.keyReceipts ?? []).flatMap((signed) => {
    const body = openReceipt(signed);
    return body?.kind === "key" && body.executor_id === executorId ? [{ signed, body }] : [];
  });
  // a change may be vouched for by another one, so look again until none adds a key
  let known: number;
  do {
    known = keys.size;
    for (const { signed, body } of changes) {
      const next = parseReceiptKey(body.new_public_key);
      if (next !== undefined && isSignedBy(signed, keys)) keys.set(body.new_keyid, next);
    }
  } while (keys.size > known);
  return keys;
}

function isSignedBy(receipt: SignedReceipt, keys: TrustedKeys): boolean {
  const key = keys.get(receipt.keyid);
  return key !== undefined && verifyReceiptSignature(receipt, key);
}

function signatureCheck(receipt: SignedReceipt, keys: TrustedKeys): Check {
  const { keyid } = receipt;
  if (keys.size === 0) {
    return failed("signature", `signed as ${keyid}; bring the executor's public key to check`);
  }
  if (!keys.has(keyid)) {
    return failed("signature", `signed as ${keyid}, which is none of the executor's keys given`);
  }
  if (!isSignedBy(receipt, keys)) return failed("signature", `it does not verify with ${keyid}`);
  return passed("signature", `by ${keyid}`);
}

function executorCheck(receipt: Receipt, expected: string | undefined): Check {
  if (expected === undefined) {
    return notChecked("executor", `the receipt says ${receipt.executor_id}`);
  }
  if (receipt.executor_id !== expected) {
    return failed("executor", `it is of ${receipt.executor_id}`);
  }
  return passed("executor", expected);
}

/** Checks that the answer shows what the receipt says. */
function answerCheck(answer: Answer, receipt: Receipt, keys: TrustedKeys): Check {
  if (receipt.kind !== "execution") {
    return failed("answer", "its attestation is no receipt of an execution");
  }
  if (answer.id !== receipt.execution_id || answer.action !== receipt.action) {
    return failed("answer", "it shows another execution than the receipt");
  }
  if (answer.isDemo !== (receipt.mode === "demo")) {
    return failed("answer", `its mode is not the receipt's, which is ${receipt.mode}`);
  }
  if (answer.resolved || answer.status !== receipt.status) {
    return resolutionCheck(answer, receipt, keys);
  }
  return answer.code === (receipt.code ?? null)
    ? passed("answer", `${answer.action} ${receipt.status}`)
    : failed("answer", "its code is not the receipt's");
}

/** Checks an answer whose status differs: an operator must have declared it, in a receipt. */
function resolutionCheck(answer: Answer, receipt: ExecutionReceipt, keys: TrustedKeys): Check {
  const { resolved, resolution, status } = answer;
  if (!resolved || resolution === null || !isSignedBy(resolution, keys)) {
    return failed("answer", `it says ${status}, the receipt says ${receipt.status}`);
  }
  const body = openReceipt(resolution);
  const isOfThis = body?.kind === "resolution" &&
    body.executor_id === receipt.executor_id && body.execution_id === receipt.execution_id &&
    body.from === receipt.status && body.as === status;
  return isOfThis
    ? passed("answer", `${receipt.status}, and declared ${status} by an operator`)
    : failed("answer", "its resolution is of something else");
}

function openedChecks(file: ReceiptFile, receipt: Receipt, options: VerifyOptions): Check[] {
  const salts = {
    request: options.salts?.request ?? file.answer?.salts.request ?? null,
    result: options.salts?.result ?? file.answer?.salts.result ?? null,
  };
  return [
    ...requestCheck(receipt, options.payload, salts.request),
    ...resultCheck(receipt, file.answer, options.result, salts.result),
    ...legacyHashCheck(file.answer),
  ];
}
