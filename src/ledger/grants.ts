/**
 * Grants: what binds an approval with several uses to the one body it was first used with.
 *
 * Invariant: on disk the binding is sealed, in the newest bucket of the payloads it stands for; where payloads are never
 * stored it is in memory alone, and a restart ends the grant.
 */

import type { ApprovalRow } from "./approvals.ts";
import type { ApprovalClaim } from "./types.ts";
import type { SealedBodies, SealedBody } from "./vault/bodies.ts";
import { sealedKey } from "./store/keys.ts";
import type { Tables } from "./store/store.ts";

interface Remembered {
  readonly bodyDigest: Uint8Array;
  readonly expiresAtSeconds: number;
}

export class Grants {
  /** By approval key in hex, and only of grants whose payloads are never stored. */
  readonly #remembered = new Map<string, Remembered>();

  constructor(private readonly tables: Tables, private readonly bodies: SealedBodies) {}

  /** What to store with the next use; null where nothing is ever stored. */
  seal(
    key: Uint8Array,
    claim: ApprovalClaim,
    nowMs: number,
    retentionMs: number | null,
  ): Promise<SealedBody | null> {
    return this.bodies.seal("grant", key, claim.bodyDigest, nowMs, retentionMs);
  }

  /** SHA-256 of the body that earlier uses had; undefined when nobody knows any more. */
  boundTo(key: Uint8Array, row: ApprovalRow): Uint8Array | undefined {
    if (row.bindingBucketMs === 0) return this.#remembered.get(key.toHex())?.bodyDigest;
    return this.bodies.open("grant", key, row.bindingBucketMs);
  }

  /** To be called inside a transaction; returns the row with the place of its binding. */
  bind(
    key: Uint8Array,
    row: ApprovalRow,
    claim: ApprovalClaim,
    binding: SealedBody | null,
  ): ApprovalRow {
    if (claim.uses === 1) return row;
    const bindingBucketMs = binding?.bucketMs ?? 0;
    if (row.bindingBucketMs !== 0 && row.bindingBucketMs !== bindingBucketMs) {
      this.tables.sealed.remove(sealedKey(row.bindingBucketMs, "grant", key));
    }
    this.bodies.store(binding);
    if (binding === null) {
      this.#remembered.set(key.toHex(), {
        bodyDigest: claim.bodyDigest,
        expiresAtSeconds: claim.expiresAt,
      });
    }
    return { ...row, bindingBucketMs };
  }

  /** Forgets grants that nobody can use any more. */
  forgetExpired(nowMs: number): void {
    for (const [key, { expiresAtSeconds }] of this.#remembered) {
      if (expiresAtSeconds * 1000 <= nowMs) this.#remembered.delete(key);
    }
  }
}
