/**
 * The files a receipt comes in: the answer of POST /execute (or of GET /executions/{id}, or the problem a failed execution
 * was answered with), the answer of GET /receipts/{index}, or a bare DSSE envelope.
 *
 * Invariants:
 * - Nothing of a ReceiptFile but `receipt` is signed; every other member is a claim for verify_receipt.ts to check.
 * - A file that shows anything of an execution is an answer, whole or refused: none can pass as a mere receipt by leaving
 *   out a member, and have what else it shows go unchecked.
 */

import { parseEnvelope } from "../core/dsse.ts";
import { base64Decode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { type JsonNode, memberOf, parseCanonical } from "../core/json.ts";
import { isName } from "../core/limits.ts";
import { receiptOfEnvelope, type SignedReceipt } from "./signed_receipt.ts";

export interface ReceiptFile {
  readonly receipt: SignedReceipt;
  /** C2SP tlog-proof text; null when the file has none. */
  readonly proof: string | null;
  /** Where the file says the receipt is in the log. */
  readonly index: number | null;
  /** Set when the file is an answer that shows an execution. */
  readonly answer: Answer | null;
}

export interface Answer {
  readonly id: string;
  readonly action: string;
  readonly status: string;
  /** Whether it says that it ran in demo mode, where nobody approves. */
  readonly isDemo: boolean;
  /** Absent for a success. */
  readonly code: string | null;
  readonly result: JsonNode;
  readonly resultPruned: boolean;
  readonly resolved: boolean;
  /** The receipt of an operator's resolution, where the answer carries it. */
  readonly resolution: SignedReceipt | null;
  /** Member `receipt`: the hash that OpenExec 0.1.10 called one. */
  readonly legacyHash: string | null;
  readonly salts: Salts;
}

/** 32 bytes each; null when not known. */
export interface Salts {
  readonly request: Uint8Array | null;
  readonly result: Uint8Array | null;
}

const NULL: JsonNode = { kind: "literal", value: null };

/** Members that GET /receipts/{index} has not, and an answer has. */
const OF_AN_ANSWER = ["id", "action", "status", "result", "receipt", "salts"] as const;

/** undefined for anything that is none of these files. */
export function parseReceiptFile(text: string): ReceiptFile | undefined {
  const root = parseJson(text);
  if (root === undefined) return undefined;
  const execution = memberOf(root, "execution");
  if (execution !== undefined) {
    return memberOf(root, "attestation") === undefined ? answerFile(execution) : undefined;
  }
  if (OF_AN_ANSWER.some((name) => memberOf(root, name) !== undefined)) return answerFile(root);
  const attestation = memberOf(root, "attestation");
  const receipt = parseReceipt(attestation ?? root);
  return receipt === undefined ? undefined : { receipt, ...claims(root), answer: null };
}

/** The receipt in a DSSE envelope, as text; undefined when it is none. For receipts of key changes. */
export function parseReceiptEnvelope(text: string): SignedReceipt | undefined {
  const root = parseJson(text);
  return root === undefined ? undefined : parseReceipt(root);
}

function answerFile(execution: JsonNode): ReceiptFile | undefined {
  const receipt = parseReceipt(memberOf(execution, "attestation"));
  const resolution = memberOf(execution, "resolution");
  const [id, action, status] = ["id", "action", "status"].map((name) => textOf(execution, name));
  if (receipt === undefined || !isText(id) || !isText(action) || !isText(status)) return undefined;
  return {
    receipt,
    ...claims(execution),
    answer: {
      id,
      action,
      status,
      isDemo: textOf(execution, "exec_mode") === "demo",
      code: textOf(execution, "code"),
      result: memberOf(execution, "result") ?? NULL,
      resultPruned: isTrue(execution, "result_pruned"),
      resolved: isTrue(execution, "resolved"),
      resolution: parseReceipt(resolution) ?? null,
      legacyHash: textOf(execution, "receipt"),
      salts: saltsOf(memberOf(execution, "salts")),
    },
  };
}

/** More than I-JSON: a result may hold 1e20, which RFC 8785 prints as an integer. */
function parseJson(text: string): JsonNode | undefined {
  try {
    return parseCanonical(text);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function parseReceipt(node: JsonNode | undefined): SignedReceipt | undefined {
  const envelope = node === undefined ? undefined : parseEnvelope(node);
  return envelope === undefined ? undefined : receiptOfEnvelope(envelope);
}

function saltsOf(node: JsonNode | undefined): Salts {
  const salt = (name: string): Uint8Array | null => {
    const bytes = base64Decode(node === undefined ? "" : textOf(node, name) ?? "");
    return bytes?.length === 32 ? bytes : null;
  };
  return { request: salt("request"), result: salt("result") };
}

function textOf(node: JsonNode, name: string): string | null {
  const member = memberOf(node, name);
  return member?.kind === "string" ? member.value : null;
}

/** What a report may repeat: nothing that could move a terminal's cursor. */
function isText(text: string | null | undefined): text is string {
  return typeof text === "string" && isName(text);
}

function isTrue(node: JsonNode, name: string): boolean {
  const member = memberOf(node, name);
  return member?.kind === "literal" && member.value === true;
}

/** Where the file says that the receipt is in the log, and the proof it brings. */
function claims(node: JsonNode): Pick<ReceiptFile, "proof" | "index"> {
  const index = memberOf(node, "log_index");
  return {
    proof: textOf(node, "tlog_proof"),
    index: index?.kind === "number" ? index.value : null,
  };
}
