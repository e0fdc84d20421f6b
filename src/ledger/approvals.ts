/**
 * Approvals: how often each was used, and which body it is bound to.
 *
 * Invariants:
 * - A claim stays for ever. So an approval starts at most as many executions as it says, whatever
 *   was pruned since (G2).
 * - An approval with several uses is bound to the body of its first use. The binding is sealed in
 *   the newest bucket of the payloads it stands for, because a lasting digest would confirm a guess
 *   of the payload for ever. Once it is gone, the approval is used up.
 * - If its payloads are never stored, the binding is in memory alone, and a restart ends the
 *   approval (docs/decisions/approval-binding.md).
 */

import { equalBytes } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { approvalKey, bindingId, sealedKey } from "./store/keys.ts";
import { type ApprovalRow, decodeApproval, encodeApproval, UNSEEN } from "./store/rows.ts";
import type { LedgerState } from "./store/state.ts";
import type { Tables } from "./store/table.ts";
import type { ApprovalClaim } from "./types.ts";
import type { SealedBodies, SealedBody } from "./vault/bodies.ts";

interface Binding {
  readonly bodyDigest: Uint8Array;
  readonly expiresAtSeconds: number;
}

/** One more use of an approval, to be stored in the transaction that took it. */
export interface Use {
  /** An approvalKey. */
  readonly key: Uint8Array;
  readonly claim: ApprovalClaim;
  /** The row as it is after this use. */
  readonly row: ApprovalRow;
}

export class Approvals {
  /** Bindings whose payloads are never stored, by key in hex. */
  readonly #remembered = new Map<string, Binding>();

  constructor(private readonly tables: Tables, private readonly bodies: SealedBodies) {}

  /** Seals the binding to store with the next use; null if that payload is never stored. */
  sealBinding(
    claim: ApprovalClaim,
    nowMs: number,
    retentionMs: number | null,
  ): Promise<SealedBody | null> {
    const key = approvalKey(claim.iss, claim.jti);
    return this.bodies.seal("binding", bindingId(key), claim.bodyDigest, nowMs, retentionMs);
  }

  /**
   * Checks one more use, and writes nothing. Throws approval_fenced, approval_revoked,
   * approval_already_used, in this order.
   */
  takeUse(
    claim: ApprovalClaim,
    execution: Uint8Array,
    { fenceSeconds }: Readonly<LedgerState>,
  ): Use {
    const key = approvalKey(claim.iss, claim.jti);
    const known = findApproval(this.tables, key);
    if (claim.issuedAt < fenceSeconds) throw new Refusal("approval_fenced");
    if (known.revokedAtMs > 0) throw new Refusal("approval_revoked");
    if (known.usesTaken === 0) {
      const firstExecution = execution.toHex();
      const first = { usesTaken: 1, usesAllowed: claim.uses, firstExecution };
      return { key, claim, row: { ...known, ...first } };
    }
    if (known.usesTaken >= known.usesAllowed || !this.#isBoundTo(key, known, claim)) {
      throw new Refusal("approval_already_used");
    }
    return { key, claim, row: { ...known, usesTaken: known.usesTaken + 1 } };
  }

  /** Runs inside a transaction: stores the use, and its binding in place of an older one. */
  store({ key, claim, row }: Use, binding: SealedBody | null): void {
    const stored = claim.uses === 1 ? row : this.#bind(key, row, claim, binding);
    this.tables.claims.put(key, encodeApproval(stored));
  }

  /** Forgets the bindings of approvals that have expired. */
  forgetExpired(nowMs: number): void {
    for (const [key, { expiresAtSeconds }] of this.#remembered) {
      if (expiresAtSeconds * 1000 <= nowMs) this.#remembered.delete(key);
    }
  }

  /** Says whether earlier uses had the same body; false once that is forgotten. */
  #isBoundTo(key: Uint8Array, { bindingBucketMs }: ApprovalRow, claim: ApprovalClaim): boolean {
    const bound = bindingBucketMs === 0
      ? this.#remembered.get(key.toHex())?.bodyDigest
      : this.bodies.open("binding", bindingId(key), bindingBucketMs);
    return bound !== undefined && equalBytes(bound, claim.bodyDigest);
  }

  #bind(
    key: Uint8Array,
    row: ApprovalRow,
    { bodyDigest, expiresAt }: ApprovalClaim,
    binding: SealedBody | null,
  ): ApprovalRow {
    const bindingBucketMs = binding?.bucketMs ?? 0;
    if (row.bindingBucketMs !== 0 && row.bindingBucketMs !== bindingBucketMs) {
      this.tables.sealed.remove(sealedKey(row.bindingBucketMs, "binding", bindingId(key)));
    }
    this.bodies.store(binding);
    if (binding === null) {
      this.#remembered.set(key.toHex(), { bodyDigest, expiresAtSeconds: expiresAt });
    }
    return { ...row, bindingBucketMs };
  }
}

/** Returns UNSEEN for an approval that was neither used nor revoked. */
export function findApproval({ claims }: Tables, key: Uint8Array): ApprovalRow {
  return claims.read(key, decodeApproval) ?? UNSEEN;
}
