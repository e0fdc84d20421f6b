/**
 * The files that hold a receipt: the answer of POST /execute or GET /executions/{id}, the problem
 * that a failed execution was answered with, the answer of GET /receipts/{index}, or a bare DSSE
 * envelope.
 *
 * Invariants:
 * - Only `receipt` is signed. Every other member is a claim, which verify_receipt.ts checks.
 * - A file that shows anything of an execution must be a whole answer. Otherwise one could leave
 *   out a member, pass for a mere receipt, and have the rest of what it shows go unchecked.
 */

import { parseEnvelope } from "../core/dsse.ts";
import { base64Decode } from "../core/bytes.ts";
import { unlessRefused } from "../core/caught.ts";
import { type JsonNode, memberOf, parseCanonical, toValue } from "../core/json/json.ts";
import { isName } from "../core/limits.ts";
import { receiptOfEnvelope, type SignedReceipt } from "./signed_receipt.ts";

export interface ReceiptFile {
  readonly receipt: SignedReceipt;
  /** C2SP tlog-proof text; null where the file has none. */
  readonly proof: string | null;
  /** The log index that the file claims. */
  readonly index: number | null;
  /** Set where the file shows an execution. */
  readonly answer: Answer | null;
}

export interface Answer {
  readonly id: string;
  readonly action: string;
  readonly status: string;
  /** Whether it claims demo mode, in which nothing is approved. */
  readonly isDemo: boolean;
  /** Null for a success. */
  readonly code: string | null;
  readonly result: JsonNode;
  readonly resultPruned: boolean;
  readonly resolved: boolean;
  /** The receipt of an operator's resolution; null where the answer has none. */
  readonly resolution: SignedReceipt | null;
  /** Member `receipt`: the hash that OpenExec 0.1.10 called one. */
  readonly legacyHash: string | null;
  readonly salts: Salts;
}

/** 32 bytes each; null where not known. */
export interface Salts {
  readonly request: Uint8Array | null;
  readonly result: Uint8Array | null;
}

const NULL: JsonNode = { kind: "literal", value: null };

/** Members that an answer has and GET /receipts/{index} has not. */
const ANSWER_MEMBERS = ["id", "action", "status", "result", "receipt", "salts"] as const;

/** Returns undefined unless it is one of these files. */
export function parseReceiptFile(text: string): ReceiptFile | undefined {
  const root = parseJson(text);
  if (root === undefined) return undefined;
  const execution = memberOf(root, "execution");
  if (execution !== undefined) {
    return memberOf(root, "attestation") === undefined ? answerFile(execution) : undefined;
  }
  if (ANSWER_MEMBERS.some((name) => memberOf(root, name) !== undefined)) return answerFile(root);
  const attestation = memberOf(root, "attestation");
  const receipt = parseReceipt(attestation ?? root);
  return receipt === undefined ? undefined : { receipt, ...claims(root), answer: null };
}

/** Parses a DSSE envelope that holds a receipt, such as one of a key change. */
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
      resultPruned: isTrue(execution, "result_pruned") || isTrue(execution, "unreadable"),
      resolved: isTrue(execution, "resolved"),
      resolution: parseReceipt(resolution) ?? null,
      legacyHash: textOf(execution, "receipt"),
      salts: saltsOf(memberOf(execution, "salts")),
    },
  };
}

/** Takes more than I-JSON, for a result may hold 1e20, which RFC 8785 prints as an integer. */
function parseJson(text: string): JsonNode | undefined {
  return unlessRefused(() => parseCanonical(text));
}

function parseReceipt(node: JsonNode | undefined): SignedReceipt | undefined {
  const envelope = node === undefined ? undefined : parseEnvelope(toValue(node));
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

/** Whether a report may repeat it: a name cannot move a terminal's cursor. */
function isText(text: string | null | undefined): text is string {
  return typeof text === "string" && isName(text);
}

function isTrue(node: JsonNode, name: string): boolean {
  const member = memberOf(node, name);
  return member?.kind === "literal" && member.value === true;
}

function claims(node: JsonNode): Pick<ReceiptFile, "proof" | "index"> {
  const index = memberOf(node, "log_index");
  return {
    proof: textOf(node, "tlog_proof"),
    index: index?.kind === "number" ? index.value : null,
  };
}
