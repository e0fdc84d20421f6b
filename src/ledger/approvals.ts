/**
 * What is known of approvals by (iss, jti): how often one was used, whether it was revoked, what it is bound to.
 *
 * Invariants:
 * - A claim stays for ever, so an approval starts at most as many executions as it says, whatever was pruned since (G2).
 * - A row holds nothing of the approval's body. What binds a grant (`uses` above 1) to its body is sealed for as long as
 *   the payload is kept, because a lasting digest would confirm a guess of the payload for ever. Once it is gone, the
 *   grant is used up (docs/decisions/grant-binding.md).
 */

import { equalBytes } from "../core/encoding.ts";
import { Refusal } from "../core/errors.ts";
import { ByteReader, ByteWriter, damaged } from "./store/bytes.ts";
import type { ApprovalClaim } from "./types.ts";
import type { LedgerState } from "./store/state.ts";

const VERSION = 1;
const EXECUTION_KEY_BYTES = 16;

/** The row under approvalKey(iss, jti). */
export interface ApprovalRow {
  readonly usesTaken: number;
  readonly usesAllowed: number;
  /** executionKey of the first execution it started; zeros when it was revoked before it was ever seen. */
  readonly firstExecution: Uint8Array;
  /** 0: not revoked. */
  readonly revokedAtMs: number;
  /** Where its binding is sealed; 0: nowhere on disk. */
  readonly bindingBucketMs: number;
}

export const UNSEEN: ApprovalRow = {
  usesTaken: 0,
  usesAllowed: 0,
  firstExecution: new Uint8Array(EXECUTION_KEY_BYTES),
  revokedAtMs: 0,
  bindingBucketMs: 0,
};

export function encodeApproval(row: ApprovalRow): Uint8Array {
  return new ByteWriter(64)
    .u8(VERSION)
    .u32(row.usesTaken)
    .u32(row.usesAllowed)
    .u48(row.revokedAtMs)
    .u48(row.bindingBucketMs)
    .bytes(row.firstExecution)
    .finish();
}

export function decodeApproval(bytes: Uint8Array): ApprovalRow {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw damaged();
  const row: ApprovalRow = {
    usesTaken: reader.u32(),
    usesAllowed: reader.u32(),
    revokedAtMs: reader.u48(),
    bindingBucketMs: reader.u48(),
    firstExecution: reader.bytes(EXECUTION_KEY_BYTES),
  };
  reader.end();
  return row;
}

/**
 * The row after one more use. `boundTo` opens the SHA-256 of the body that earlier uses had.
 * Throws approval_fenced, approval_revoked, approval_already_used, in this order.
 */
export function takeUse(
  known: ApprovalRow,
  claim: ApprovalClaim,
  execution: Uint8Array,
  state: LedgerState,
  boundTo: (known: ApprovalRow) => Uint8Array | undefined,
): ApprovalRow {
  if (claim.issuedAt < state.fenceSeconds) throw new Refusal("approval_fenced");
  if (known.revokedAtMs > 0) throw new Refusal("approval_revoked");
  if (known.usesTaken === 0) {
    return { ...known, usesTaken: 1, usesAllowed: claim.uses, firstExecution: execution };
  }
  if (known.usesTaken >= known.usesAllowed) throw new Refusal("approval_already_used");
  const bound = boundTo(known);
  if (bound === undefined || !equalBytes(bound, claim.bodyDigest)) {
    throw new Refusal("approval_already_used");
  }
  return { ...known, usesTaken: known.usesTaken + 1 };
}
