/**
 * Sealed bodies: rows of the table `sealed`, each readable only with its bucket's key.
 *
 * Invariants:
 * - A bucket is held from before something is sealed for it until the transaction that stores it is done, so that its
 *   key is never destroyed in between.
 * - Rows sort by bucket, so the table is its own expiry index.
 */

import { executionKey, sealedKey, type SealedKind } from "../store/keys.ts";
import { decodeRequest, decodeResult, encodeRequest, encodeResult } from "../bodies.ts";
import type { RequestBody, ResultBody } from "../types.ts";
import { bucketFor } from "../retention.ts";
import type { StoredExecution } from "../store/rows.ts";
import type { Tables } from "../store/store.ts";
import type { Vault } from "./keys.ts";

/** Sealed, and waiting for its transaction: store it inside, and `release` it when that is done, either way. */
export interface SealedBody {
  readonly bucketMs: number;
  readonly row: Uint8Array;
  readonly bytes: Uint8Array;
  release(): void;
}

export class SealedBodies {
  readonly #held = new Map<number, number>();

  constructor(private readonly tables: Tables, private readonly vault: Vault) {}

  /** null where `retentionMs` is: then it is never stored. `id` is an execution's or an approval's key. */
  async seal(
    kind: SealedKind,
    id: Uint8Array,
    plaintext: Uint8Array,
    nowMs: number,
    retentionMs: number | null,
  ): Promise<SealedBody | null> {
    if (retentionMs === null) return null;
    const bucketMs = bucketFor(nowMs, retentionMs);
    const row = sealedKey(bucketMs, kind, id);
    const release = this.#hold(bucketMs);
    try {
      return { bucketMs, row, bytes: await this.vault.seal(bucketMs, row, plaintext), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  sealRequest(id: Uint8Array, body: RequestBody, nowMs: number, retentionMs: number | null) {
    return this.seal("request", id, encodeRequest(body), nowMs, retentionMs);
  }

  sealResult(id: Uint8Array, body: ResultBody, nowMs: number, retentionMs: number | null) {
    return this.seal("result", id, encodeResult(body), nowMs, retentionMs);
  }

  /** To be called inside a transaction. */
  store(body: SealedBody | null): void {
    if (body !== null) this.tables.sealed.put(body.row, body.bytes);
  }

  /** undefined when it was never stored or its key is gone. */
  open(kind: SealedKind, id: Uint8Array, bucketMs: number): Uint8Array | undefined {
    const row = sealedKey(bucketMs, kind, id);
    const sealed = bucketMs === 0 ? undefined : this.tables.sealed.get(row);
    return sealed === undefined ? undefined : this.vault.unseal(bucketMs, row, sealed);
  }

  openRequest({ record, requestBucketMs }: StoredExecution): RequestBody | undefined {
    const key = executionKey(record.id);
    const opened = key === undefined ? undefined : this.open("request", key, requestBucketMs);
    return opened === undefined ? undefined : decodeRequest(opened);
  }

  openResult({ record, resultBucketMs }: StoredExecution): ResultBody | undefined {
    const key = executionKey(record.id);
    const opened = key === undefined ? undefined : this.open("result", key, resultBucketMs);
    return opened === undefined ? undefined : decodeResult(opened);
  }

  isHeld(bucketMs: number): boolean {
    return this.#held.has(bucketMs);
  }

  #hold(bucketMs: number): () => void {
    this.#held.set(bucketMs, (this.#held.get(bucketMs) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#held.get(bucketMs) ?? 1) - 1;
      if (left > 0) this.#held.set(bucketMs, left);
      else this.#held.delete(bucketMs);
    };
  }
}
