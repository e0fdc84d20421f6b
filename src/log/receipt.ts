/**
 * Receipt bodies: how each kind is made, and its bytes (RFC 8785), which are a leaf of the log.
 *
 * Invariants:
 * - A body holds no payload, no result, no salt of theirs and no plain digest. It commits to both
 *   by salted hash, so that it still verifies once they are pruned, and confirms no guess.
 * - Nobody can guess a whole body that only others may see: `salt` is for those without a
 *   commitment or a random id.
 */

import { canonicalJson } from "../core/json/canonical_json.ts";
import { base64Encode, concatBytes, utf8Decode, utf8Encode } from "../core/bytes.ts";
import type { ErrorCode } from "../core/errors.ts";
import { formatPublicKey } from "../core/keys/public_key.ts";
import { digestOf, parseDigest } from "../core/sha.ts";
import type {
  ApprovalReference,
  Digest,
  ExecutionStatus,
  Mode,
  Peer,
  Signer,
} from "../core/types.ts";
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
  type SignerReceipt,
} from "./receipt_schema.ts";
import { formatTime } from "./time.ts";

export type {
  AdminReceipt,
  DecisionReceipt,
  ExecutionReceipt,
  KeyReceipt,
  Receipt,
  RefusalReceipt,
  RefusalSummaryReceipt,
  ResolutionReceipt,
  SignerReceipt,
} from "./receipt_schema.ts";

const SALT_BYTES = 32;
const LEAF_SALT_BYTES = 16;

/** An execution as its receipt describes it. A settled record of the ledger has this shape. */
export interface SettledExecution {
  /** A UUIDv7. */
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
  /** null if it succeeded; in a record of the ledger, also while it is reserved. */
  readonly code: ErrorCode | null;
  readonly traceId: string | null;
  /** Set where it began as a proposal. */
  readonly proposedAtMs: number | null;
  readonly receivedAtMs: number;
  readonly reservedAtMs: number;
  readonly startedAtMs: number | null;
  readonly settledAtMs: number;
}

/** Hashes a 32-byte salt and the 32 bytes of `digest`. Throws RangeError for other lengths. */
export function commitment(salt: Uint8Array, digest: Digest): Digest {
  const hash = parseDigest(digest);
  if (salt.length !== SALT_BYTES || hash === undefined) {
    throw new RangeError("a commitment takes a salt of 32 bytes and a SHA-256 digest");
  }
  return digestOf(concatBytes(salt, hash));
}

/** Lists its members in canonical order, in which they print without being sorted. */
export function executionReceipt(
  executorId: string,
  execution: SettledExecution,
  developmentApprover: boolean,
): ExecutionReceipt {
  return {
    action: execution.action,
    ...approvalOf(execution),
    ...(execution.code === null ? {} : { code: execution.code }),
    ...(developmentApprover ? { development_approver: true } : {}),
    execution_id: execution.id,
    executor_id: executorId,
    handler_digest: execution.handlerDigest,
    kind: "execution",
    mode: execution.mode,
    nonce: execution.nonce,
    peer: peerOf(execution.peer),
    ...(execution.proposedAtMs === null ? {} : { proposed_at: formatTime(execution.proposedAtMs) }),
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
    salt: leafSalt(),
  };
}

/** Counts refusals from `fromMs` up to `toMs` that the cap left without a receipt of their own. */
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
    salt: leafSalt(),
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
  /** Null where the daemon acted by itself, or a command ran without one. */
  readonly peer: Peer | null;
  readonly atMs: number;
  /** Names and numbers of the act, such as iss and jti of a revocation; null where it has none. */
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
    salt: leafSalt(),
  };
}

/** Hands over to a new key. The key before signs it, or the first key itself in entry 0. */
export function keyReceipt(executorId: string, newPublicKey: Uint8Array, atMs: number): KeyReceipt {
  return {
    kind: "key",
    executor_id: executorId,
    new_public_key: formatPublicKey(newPublicKey),
    new_keyid: keyidOf(newPublicKey),
    at: formatTime(atMs),
  };
}

export type ReceiptVersion = 1 | 2;

/** Returns 2 exactly for a body that says what version 1 has no words for. */
export function receiptVersion(receipt: Receipt): ReceiptVersion {
  if (receipt.kind === "decision") return 2;
  if ("salt" in receipt) return 2;
  if (receipt.kind !== "execution") return 1;
  const isPlain = receipt.approval?.signers.every((signer) => !("kind" in signer)) ?? true;
  return isPlain && receipt.proposed_at === undefined ? 1 : 2;
}

/** Returns the canonical bytes of a body. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return utf8Encode(canonicalJson(receipt));
}

/** Returns undefined unless `bytes` are exactly what encodeReceipt makes of some receipt. */
export function decodeReceipt(bytes: Uint8Array): Receipt | undefined {
  const text = utf8Decode(bytes);
  const value = text === undefined ? undefined : parseLoosely(text);
  // RFC 8785 prints numbers and strings as JavaScript does, and shape.ts checks member order
  return isReceipt(value) && JSON.stringify(value) === text ? value : undefined;
}

/** Parses JSON text. It takes doubled names and any white space, which the caller refuses. */
function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function leafSalt(): string {
  return base64Encode(crypto.getRandomValues(new Uint8Array(LEAF_SALT_BYTES)));
}

/** Copies member by member, because the caller's object may carry more. */
export function peerOf({ uid, gid, pid, socket }: Peer): Peer {
  return { gid, pid, socket, uid };
}

/** Signers' kinds are told where version 1 will not do, so that a receipt it can hold stays one. */
function approvalOf(
  { approval, proposedAtMs }: SettledExecution,
): Pick<ExecutionReceipt, "approval"> {
  if (approval === null) return {};
  const { iss, jti, scheme, signers } = approval;
  const isPlain = proposedAtMs === null && signers.every(({ kind }) => kind === "ed25519");
  return {
    approval: {
      iss,
      jti,
      scheme,
      signers: isPlain
        ? signers.map(({ name, keyid }) => ({ keyid, name }))
        : signers.map(signerOf),
    },
  };
}

export function signerOf({ name, keyid, kind, userVerified, hardware }: Signer): SignerReceipt {
  return {
    ...(kind === "passkey" ? { backup_eligible: !hardware } : {}),
    ...(hardware ? { hardware: true } : {}),
    keyid,
    kind,
    name,
    user_verified: userVerified,
  };
}
