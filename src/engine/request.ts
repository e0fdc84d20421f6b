/**
 * The request of POST /execute, read and digested once.
 *
 * Invariant: the text that is digested here is the text that the handler gets parsed (G5). Nothing
 * looks at the bytes again.
 *
 * Shape: {action, payload?, nonce?, approval? | approval_artifact?}, an I-JSON object (RFC 7493)
 * without any other member.
 */

import { UnverifiedApproval } from "../approval/approval.ts";
import { legacyActionHash } from "../approval/clawshield.ts";
import {
  concatBytes,
  equalBytes,
  pooledUtf8,
  type Text,
  textOf,
  utf8Decode,
  utf8Encode,
} from "../core/bytes.ts";
import { actionDigest } from "../core/json/canonical_json.ts";
import { type MemberText, readMembers } from "../core/json/canonical_reader.ts";
import { Refusal } from "../core/errors.ts";
import { parseIJson } from "../core/json/json.ts";
import { OPEN_OBJECT } from "../core/json/json_grammar.ts";
import { APPROVAL_LENGTH_MAX, isName } from "../core/limits.ts";
import type { ApprovalScheme, Digest } from "../core/types.ts";

const NULL = utf8Encode("null");
const EMPTY = utf8Encode("{}");
const CLOSE = utf8Encode("}");

/** An action and its payload, as approvals are bound to them. */
export interface Asked {
  readonly action: string;
  /** RFC 8785 text of {"action","payload"}. */
  readonly canonical: Text;
  readonly actionDigest: Digest;
  /** The digest that a ClawShield artifact is bound to; null where the body has no artifact. */
  readonly legacyActionHash: string | null;
}

/** A body that was read: plain data, because a thread may have read it (request_reader.ts). */
export interface RequestText extends Asked {
  /** Canonical texts of the members beside action and payload, by name. */
  readonly members: ReadonlyMap<string, string>;
}

export interface ParsedRequest extends Asked {
  readonly nonce: string;
  readonly approval: UnverifiedApproval | null;
}

/**
 * Reads an object that has no members but `allowed` ones, action and payload among them. Throws a
 * Refusal: request_malformed, payload_not_i_json.
 */
export function readRequest(body: Uint8Array, allowed: readonly string[]): RequestText {
  const read = readMembers(body);
  if (read === null) throw malformed("The request is not a JSON object.");
  if (!read.every(({ name }) => allowed.includes(name))) {
    throw malformed(`The request has a member other than ${allowed.join(", ")}.`);
  }
  const members = new Map(read.map((member) => [member.name, member]));
  const action = nameOf(stringIn(members.get("action")), "action");
  const payload = given(members.get("payload"));
  const object = payload?.canonical ?? EMPTY;
  if (object[0] !== OPEN_OBJECT) throw malformed("payload must be a JSON object.");
  const head = pooledUtf8(`{"action":${JSON.stringify(action)},"payload":`);
  const bytes = concatBytes(head, object, CLOSE);
  const canonical = textOf(bytes) ?? bytes;
  const others = othersOf(read);
  return {
    action,
    canonical,
    actionDigest: actionDigest(canonical),
    // Takes numbers as they were written: Python tells 1 from 1.0.
    legacyActionHash: others.has("approval_artifact")
      ? legacyActionHash(action, parseIJson(payload?.written ?? object))
      : null,
    members: others,
  };
}

/** Returns the request with its nonce. Throws a Refusal: request_malformed, nonce_missing. */
export function parseRequest(
  { members, ...asked }: RequestText,
  idempotencyKey: string | null,
): ParsedRequest {
  const nonce = nonceOf(members.get("nonce"), idempotencyKey);
  const [envelope, artifact] = [members.get("approval"), members.get("approval_artifact")];
  if (envelope !== undefined && artifact !== undefined) {
    throw malformed("approval and approval_artifact exclude each other.");
  }
  if (nonce === null) throw new Refusal("nonce_missing");
  const approval = envelope === undefined
    ? approvalOf("clawshield", artifact)
    : approvalOf("dsse", envelope);
  return { ...asked, nonce, approval };
}

export function malformed(detail: string): Refusal {
  return new Refusal("request_malformed", detail);
}

/** undefined where the member is absent or null. */
function given(member: MemberText | undefined): MemberText | undefined {
  return member === undefined || equalBytes(member.canonical, NULL) ? undefined : member;
}

/** undefined where the member is absent or null. */
function stringIn(member: MemberText | undefined): string | undefined {
  const found = given(member);
  return found === undefined ? undefined : utf8Decode(found.canonical);
}

function othersOf(read: readonly MemberText[]): ReadonlyMap<string, string> {
  const others = new Map<string, string>();
  for (const member of read) {
    if (member.name === "action" || member.name === "payload") continue;
    const text = stringIn(member);
    if (text === undefined) continue;
    others.set(member.name, text.length > APPROVAL_LENGTH_MAX ? TOO_LONG : text);
  }
  return others;
}

/** Stands for a member that is too long to be anything: no form of a member is a number. */
const TOO_LONG = "0";

export function nameOf(text: string | undefined, member: string): string {
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (typeof value !== "string" || !isName(value)) {
    throw malformed(`${member} must be a string of 1 to 255 visible ASCII characters.`);
  }
  return value;
}

/**
 * The header may stand for the member; null where neither is there. Both must agree, or two layers
 * see different nonces.
 */
export function nonceOf(text: string | undefined, idempotencyKey: string | null): string | null {
  if (text === undefined) {
    if (idempotencyKey === null) return null;
    if (!isName(idempotencyKey)) {
      throw malformed("Idempotency-Key must hold 1 to 255 visible ASCII characters.");
    }
    return idempotencyKey;
  }
  const nonce = nameOf(text, "nonce");
  if (idempotencyKey !== null && idempotencyKey !== nonce) {
    throw malformed("Idempotency-Key and nonce contradict each other.");
  }
  return nonce;
}

function approvalOf(scheme: ApprovalScheme, text: string | undefined): UnverifiedApproval | null {
  return text === undefined ? null : new UnverifiedApproval(scheme, text);
}
