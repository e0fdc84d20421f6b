/**
 * Receipt bodies: what each kind says, and their bytes (RFC 8785), which are the leaves of the log.
 *
 * Invariant: a body names no payload, result, salt or plain digest of either; it commits to them by salted hash, so that
 * it still verifies once they are pruned and confirms no guess of them.
 */

import { canonicalJson } from "../core/canonical_json.ts";
import { concatBytes, utf8Decode, utf8Encode } from "../core/bytes.ts";
import type { ErrorCode } from "../core/errors.ts";
import { formatPublicKey } from "../core/public_key.ts";
import { digestOf, parseDigest } from "../core/sha.ts";
import type { ApprovalReference, Digest, ExecutionStatus, Mode, Peer } from "../core/types.ts";
import { keyidOf } from "./keyid.ts";
import {
  type AdminReceipt,
  type ExecutionReceipt,
  isReceipt,
  type KeyReceipt,
  type Receipt,
  type RefusalReceipt,
  type RefusalSummaryReceipt,
  type ResolutionReceipt,
} from "./receipt_schema.ts";
import { formatTime } from "./time.ts";

export type {
  AdminReceipt,
  ExecutionReceipt,
  KeyReceipt,
  Receipt,
  RefusalReceipt,
  RefusalSummaryReceipt,
  ResolutionReceipt,
} from "./receipt_schema.ts";

const SALT_BYTES = 32;

/** What a receipt says of an execution; a settled record of the ledger has this shape. Times in ms since 1970. */
export interface SettledExecution {
  readonly id: string;
  readonly action: string;
  readonly nonce: string;
  readonly mode: Mode;
  readonly peer: Peer;
  readonly approval: ApprovalReference | null;
  readonly handlerDigest: Digest;
  readonly requestCommitment: Digest;
  readonly resultCommitment: Digest | null;
  readonly status: Exclude<ExecutionStatus, "reserved">;
  readonly code: ErrorCode | null;
  readonly traceId: string | null;
  readonly receivedAtMs: number;
  readonly reservedAtMs: number;
  readonly startedAtMs: number | null;
  readonly settledAtMs: number;
}

/** `sha256:` of a 32-byte salt and the 32 bytes of `digest`; throws RangeError for any other length. */
export function commitment(salt: Uint8Array, digest: Digest): Digest {
  const hash = parseDigest(digest);
  if (salt.length !== SALT_BYTES || hash === undefined) {
    throw new RangeError("a commitment takes a salt of 32 bytes and a SHA-256 digest");
  }
  return digestOf(concatBytes(salt, hash));
}

/** Members in canonical order, in which they print fastest: one of these is made for every execution. */
export function executionReceipt(
  executorId: string,
  execution: SettledExecution,
  developmentApprover: boolean,
): ExecutionReceipt {
  return {
    action: execution.action,
    ...(execution.approval === null ? {} : { approval: approvalOf(execution.approval) }),
    ...(execution.code === null ? {} : { code: execution.code }),
    ...(developmentApprover ? { development_approver: true } : {}),
    execution_id: execution.id,
    executor_id: executorId,
    handler_digest: execution.handlerDigest,
    kind: "execution",
    mode: execution.mode,
    nonce: execution.nonce,
    peer: peerOf(execution.peer),
    received_at: formatTime(execution.receivedAtMs),
    request_commitment: execution.requestCommitment,
    reserved_at: formatTime(execution.reservedAtMs),
    ...(execution.resultCommitment === null
      ? {}
      : { result_commitment: execution.resultCommitment }),
    settled_at: formatTime(execution.settledAtMs),
    ...(execution.startedAtMs === null ? {} : { started_at: formatTime(execution.startedAtMs) }),
    status: execution.status,
    ...(execution.traceId === null ? {} : { trace_id: execution.traceId }),
  };
}

export interface Refused {
  readonly code: ErrorCode;
  readonly action: string | null;
  readonly nonce: string | null;
  readonly peer: Peer;
  readonly atMs: number;
}

export function refusalReceipt(executorId: string, refused: Refused): RefusalReceipt {
  return {
    kind: "refusal",
    executor_id: executorId,
    code: refused.code,
    ...(refused.action === null ? {} : { action: refused.action }),
    ...(refused.nonce === null ? {} : { nonce: refused.nonce }),
    peer: peerOf(refused.peer),
    at: formatTime(refused.atMs),
  };
}

/** Refusals that left no receipt of their own between two times, `fromMs` inclusive, because of the cap. */
export function refusalSummaryReceipt(
  executorId: string,
  fromMs: number,
  toMs: number,
  dropped: RefusalSummaryReceipt["dropped"],
): RefusalSummaryReceipt {
  return {
    kind: "refusal_summary",
    executor_id: executorId,
    from: formatTime(fromMs),
    to: formatTime(toMs),
    dropped,
  };
}

export interface Resolved {
  readonly executionId: string;
  readonly from: ResolutionReceipt["from"];
  readonly as: ResolutionReceipt["as"];
  readonly note: string;
  readonly peer: Peer;
  readonly atMs: number;
}

export function resolutionReceipt(executorId: string, resolved: Resolved): ResolutionReceipt {
  return {
    kind: "resolution",
    executor_id: executorId,
    execution_id: resolved.executionId,
    from: resolved.from,
    as: resolved.as,
    note: resolved.note,
    peer: peerOf(resolved.peer),
    at: formatTime(resolved.atMs),
  };
}

export interface AdministrativeAct {
  readonly act: AdminReceipt["act"];
  /** null where the daemon, or a command run without one, did it itself. */
  readonly peer: Peer | null;
  readonly atMs: number;
  /** Names and numbers of the act, such as iss and jti of a revocation; null when there is nothing more to say. */
  readonly detail: Readonly<Record<string, string | number | boolean>> | null;
}

export function adminReceipt(executorId: string, done: AdministrativeAct): AdminReceipt {
  return {
    kind: "admin",
    executor_id: executorId,
    act: done.act,
    ...(done.peer === null ? {} : { peer: peerOf(done.peer) }),
    at: formatTime(done.atMs),
    ...(done.detail === null ? {} : { detail: { ...done.detail } }),
  };
}

/** Signed by the key that was current before; the first entry of a log names and is signed by its first key. */
export function keyReceipt(executorId: string, newPublicKey: Uint8Array, atMs: number): KeyReceipt {
  return {
    kind: "key",
    executor_id: executorId,
    new_public_key: formatPublicKey(newPublicKey),
    new_keyid: keyidOf(newPublicKey),
    at: formatTime(atMs),
  };
}

/** The canonical bytes of a body. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return utf8Encode(canonicalJson(receipt));
}

/** The body, or undefined unless `bytes` are exactly what encodeReceipt makes of some receipt. */
export function decodeReceipt(bytes: Uint8Array): Receipt | undefined {
  const text = utf8Decode(bytes);
  const value = text === undefined ? undefined : parseLoosely(text);
  // RFC 8785 prints numbers and strings as JavaScript does, and shape.ts sees to the order of members.
  return isReceipt(value) && JSON.stringify(value) === text ? value : undefined;
}

/** The value of a JSON text, undefined when it is none: the last of two equal names wins, any white space goes. */
function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Member by member: an object of the caller's may carry more than a receipt says. */
function peerOf({ uid, gid, pid, socket }: Peer): Peer {
  return { gid, pid, socket, uid };
}

function approvalOf(
  { scheme, iss, jti, signers }: ApprovalReference,
): NonNullable<ExecutionReceipt["approval"]> {
  return { iss, jti, scheme, signers: signers.map(({ name, keyid }) => ({ keyid, name })) };
}
