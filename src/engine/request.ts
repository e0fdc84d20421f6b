/**
 * The request of POST /execute, parsed and digested once.
 *
 * Invariant: the text that is digested here is the text that the handler gets parsed (G5). Nothing
 * looks at the bytes again.
 *
 * Shape: {action, payload?, nonce?, approval? | approval_artifact?}, an I-JSON object (RFC 7493)
 * without any other member.
 */

import { actionDigest, canonicalRequest } from "../core/canonical_json.ts";
import { Refusal } from "../core/errors.ts";
import { type JsonNode, parseIJson } from "../core/json.ts";
import { isName } from "../core/limits.ts";
import type { Digest } from "../core/types.ts";
import { UnverifiedApproval } from "../approval/approval.ts";

export interface ParsedRequest {
  readonly action: string;
  /** Keeps numbers as they were written: ClawShield's digest tells 1 from 1.0. */
  readonly payload: JsonNode;
  readonly nonce: string;
  readonly approval: UnverifiedApproval | null;
  /** RFC 8785 text of {"action","payload"}. */
  readonly canonical: string;
  readonly actionDigest: Digest;
}

const EMPTY_OBJECT: JsonNode = { kind: "object", members: [] };
const MEMBERS: ReadonlySet<string> = new Set([
  "action",
  "payload",
  "nonce",
  "approval",
  "approval_artifact",
]);

/** Throws a Refusal: request_malformed, payload_not_i_json, nonce_missing. */
export function parseRequest(body: Uint8Array, idempotencyKey: string | null): ParsedRequest {
  const members = membersOf(body, MEMBERS);
  const asked = askedBy(members);
  const nonce = nonceOf(members.get("nonce"), idempotencyKey);
  if (nonce === null) throw new Refusal("nonce_missing");
  const approval = approvalOf(members.get("approval"), members.get("approval_artifact"));
  return { ...asked, nonce, approval };
}

/** The members of an object that has no others. Throws as parseRequest does. */
export function membersOf(
  body: Uint8Array,
  allowed: ReadonlySet<string>,
): ReadonlyMap<string, JsonNode> {
  const root = parseIJson(body);
  if (root.kind !== "object") throw malformed("The request is not a JSON object.");
  if (!root.members.every(([name]) => allowed.has(name))) {
    throw malformed(`The request has a member other than ${[...allowed].join(", ")}.`);
  }
  // Only now: V8 hashes some names without a seed, which lets a sender make them collide.
  return new Map(root.members);
}

/** Action and payload, and their one text. */
export type Asked = Pick<ParsedRequest, "action" | "payload" | "canonical" | "actionDigest">;

/** Throws as parseRequest does. */
export function askedBy(members: ReadonlyMap<string, JsonNode>): Asked {
  const action = nameOf(members.get("action"), "action");
  const payload = payloadOf(members.get("payload"));
  const canonical = canonicalRequest(action, payload);
  return { action, payload, canonical, actionDigest: actionDigest(canonical) };
}

export function malformed(detail: string): Refusal {
  return new Refusal("request_malformed", detail);
}

export function isAbsent(node: JsonNode | undefined): node is undefined {
  return node === undefined || (node.kind === "literal" && node.value === null);
}

export function nameOf(node: JsonNode | undefined, member: string): string {
  if (node?.kind !== "string" || !isName(node.value)) {
    throw malformed(`${member} must be a string of 1 to 255 visible ASCII characters.`);
  }
  return node.value;
}

function payloadOf(node: JsonNode | undefined): JsonNode {
  if (isAbsent(node)) return EMPTY_OBJECT;
  if (node.kind !== "object") throw malformed("payload must be a JSON object.");
  return node;
}

/**
 * The header may stand for the member; null where neither is there. Both must agree, or two layers
 * see different nonces.
 */
export function nonceOf(node: JsonNode | undefined, idempotencyKey: string | null): string | null {
  if (isAbsent(node)) {
    if (idempotencyKey === null) return null;
    if (!isName(idempotencyKey)) {
      throw malformed("Idempotency-Key must hold 1 to 255 visible ASCII characters.");
    }
    return idempotencyKey;
  }
  const nonce = nameOf(node, "nonce");
  if (idempotencyKey !== null && idempotencyKey !== nonce) {
    throw malformed("Idempotency-Key and nonce contradict each other.");
  }
  return nonce;
}

function approvalOf(
  envelope: JsonNode | undefined,
  artifact: JsonNode | undefined,
): UnverifiedApproval | null {
  if (!isAbsent(envelope) && !isAbsent(artifact)) {
    throw malformed("approval and approval_artifact exclude each other.");
  }
  if (!isAbsent(envelope)) return new UnverifiedApproval("dsse", envelope);
  if (!isAbsent(artifact)) return new UnverifiedApproval("clawshield", artifact);
  return null;
}
