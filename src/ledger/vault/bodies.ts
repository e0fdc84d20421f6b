/**
 * Sealed bodies: the rows of the table `sealed`. Each is readable only with its bucket's key.
 *
 * Invariants:
 * - A bucket is held from before something is sealed for it until the transaction that stores it
 *   has ended, so that its key is never destroyed in between.
 * - Rows sort by bucket, so the table is its own expiry index.
 * - A body that should be readable and is not is an error, never a pruned one: its key was lost or
 *   swapped.
 * - A salt lies beside what it salts, in the same bucket.
 */

import type { Clock } from "../../core/clock.ts";
import { Refusal } from "../../core/errors.ts";
import type { Meter } from "../../core/types.ts";
import { ByteReader, ByteWriter } from "../store/bytes.ts";
import {
  bucketOfSealedKey,
  bucketStart,
  ownExecutionKey,
  sealedKey,
  type SealedKind,
  sealedName,
} from "../store/keys.ts";
import type { StoredExecution } from "../store/rows.ts";
import type { Tables } from "../store/table.ts";
import { allUnsettled, findUnsettled } from "../executions.ts";
import type { RequestBody, RequestSalt, ResultBody } from "../types.ts";
import { BUCKET_MAX_MS, bucketFor, type Vault } from "./keys.ts";

const SALT_BYTES = 32;
const LEGACY_RECEIPT_BYTES = 32;

/** A body that waits for its transaction: store it inside, and `release` it at the end of it. */
export interface SealedBody {
  readonly bucketMs: number;
  readonly row: Uint8Array;
  readonly bytes: Uint8Array;
  release(): void;
}

export class SealedBodies {
  /** How many sealed bodies of each bucket wait for their transaction. */
  readonly #held = new Map<number, number>();

  constructor(
    private readonly tables: Pick<Tables, "sealed" | "current">,
    private readonly vault: Vault,
    private readonly clock: Pick<Clock, "nowMs">,
  ) {}

  /**
   * Seals for the row of an execution's or an approval's key. Returns null if `retentionMs` is
   * null: then the body is never stored.
   */
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
      const bytes = await this.vault.seal(bucketMs, sealedName(row), plaintext);
      return { bucketMs, row, bytes, release };
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

  sealReason(id: Uint8Array, reason: string, nowMs: number, retentionMs: number | null) {
    const body = new ByteWriter(512).text(reason).finish();
    return this.seal("reason", id, body, nowMs, retentionMs);
  }

  /** Runs inside a transaction. */
  store(body: SealedBody | null): void {
    if (body !== null) this.tables.sealed.put(body.row, body.bytes);
  }

  /**
   * Returns undefined if it was never stored or has expired. Throws a Refusal, ledger_unavailable,
   * if its key is lost or another one.
   */
  open(kind: SealedKind, id: Uint8Array, bucketMs: number): Uint8Array | undefined {
    const { name, sealed } = this.#find(kind, id, bucketMs);
    if (sealed === undefined) return undefined;
    return this.#checked(this.vault.unseal(bucketMs, name, sealed), bucketMs);
  }

  /** Does what open() does, and leaves the event loop free meanwhile. Finds the row at once. */
  async openAside(
    kind: SealedKind,
    id: Uint8Array,
    bucketMs: number,
    meter?: Meter,
  ): Promise<Uint8Array | undefined> {
    const { name, sealed } = this.#find(kind, id, bucketMs);
    if (sealed === undefined) return undefined;
    meter?.weigh(sealed.length);
    const end = meter?.work(sealed.length);
    const opened = await this.vault.unsealAside(bucketMs, name, sealed).finally(end);
    return this.#checked(opened, bucketMs);
  }

  /** The request of an execution in flight may lie in the row of that execution. */
  #find(kind: SealedKind, id: Uint8Array, bucketMs: number) {
    const row = sealedKey(bucketMs, kind, id);
    const name = sealedName(row);
    if (bucketMs === 0) return { name, sealed: undefined };
    const beside = () => kind === "request" ? findUnsettled(this.tables, id)?.request : undefined;
    return { name, sealed: this.tables.sealed.get(row) ?? beside() ?? undefined };
  }

  #checked(opened: Uint8Array | undefined, bucketMs: number): Uint8Array | undefined {
    if (opened === undefined && bucketMs > this.clock.nowMs()) {
      throw new Refusal("ledger_unavailable", "A key of the vault is missing, or is another one.");
    }
    return opened;
  }

  /**
   * Returns the buckets that end after `afterMs` and whose first row, or a request in flight, does
   * not open.
   */
  unreadableBuckets(afterMs: number): ReadonlySet<number> {
    const found = new Set<number>();
    for (const { stored, request } of allUnsettled(this.tables)) {
      const { record, requestBucketMs: bucketMs } = stored;
      if (request === null || bucketMs <= afterMs) continue;
      const name = sealedName(sealedKey(bucketMs, "request", ownExecutionKey(record.id)));
      if (this.vault.unseal(bucketMs, name, request) === undefined) found.add(bucketMs);
    }
    const end = bucketStart(BUCKET_MAX_MS);
    for (let nextMs = afterMs + 1;;) {
      const [row] = this.tables.sealed.range({ start: bucketStart(nextMs), end, limit: 1 });
      if (row === undefined) return found;
      const bucketMs = bucketOfSealedKey(row.key);
      const opened = this.vault.unseal(bucketMs, sealedName(row.key), row.value);
      if (opened === undefined) found.add(bucketMs);
      nextMs = bucketMs + 1;
    }
  }

  openRequest({ record, requestBucketMs }: StoredExecution): RequestBody | undefined {
    const opened = this.open("request", ownExecutionKey(record.id), requestBucketMs);
    return opened === undefined ? undefined : decodeRequest(opened);
  }

  readRequest({ record, requestBucketMs }: StoredExecution, meter?: Meter) {
    return this.#read("request", record.id, requestBucketMs, decodeRequest, meter);
  }

  /** Reads no more of a request than a view needs: its salt, and how long it is. */
  readSalt({ record, requestBucketMs }: StoredExecution, meter?: Meter) {
    return this.#read("request", record.id, requestBucketMs, decodeSalt, meter);
  }

  readResult({ record, resultBucketMs }: StoredExecution, meter?: Meter) {
    return this.#read("result", record.id, resultBucketMs, decodeResult, meter);
  }

  readReason({ record, resultBucketMs }: StoredExecution, meter?: Meter) {
    return this.#read("reason", record.id, resultBucketMs, decodeReason, meter);
  }

  async #read<Body>(
    kind: SealedKind,
    id: string,
    bucketMs: number,
    decode: (opened: Uint8Array) => Body,
    meter?: Meter,
  ): Promise<Body | undefined> {
    const opened = await this.openAside(kind, ownExecutionKey(id), bucketMs, meter);
    return opened === undefined ? undefined : decode(opened);
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

export function encodeRequest({ salt, canonical, approvalText }: RequestBody): Uint8Array {
  checkSalt(salt);
  const writer = new ByteWriter(512).bytes(salt).text(canonical).u8(approvalText === null ? 0 : 1);
  return (approvalText === null ? writer : writer.text(approvalText)).finish();
}

export function decodeRequest(bytes: Uint8Array): RequestBody {
  const reader = new ByteReader(bytes);
  const salt = reader.bytes(SALT_BYTES);
  const canonical = reader.canonical();
  const approvalText = reader.u8() === 1 ? reader.text() : null;
  reader.end();
  return { salt, canonical, approvalText };
}

function decodeSalt(bytes: Uint8Array): RequestSalt {
  return { salt: new ByteReader(bytes).bytes(SALT_BYTES), length: bytes.length };
}

function decodeReason(bytes: Uint8Array): string {
  return new ByteReader(bytes).text();
}

export function encodeResult({ salt, canonical, legacyReceipt }: ResultBody): Uint8Array {
  checkSalt(salt);
  const writer = new ByteWriter(512).bytes(salt).text(canonical);
  return (legacyReceipt === undefined ? writer : writer.hex(legacyReceipt)).finish();
}

export function decodeResult(bytes: Uint8Array): ResultBody {
  const reader = new ByteReader(bytes);
  const salt = reader.bytes(SALT_BYTES);
  const canonical = reader.canonical();
  if (reader.isAtEnd) return { salt, canonical };
  const legacyReceipt = reader.hex(LEGACY_RECEIPT_BYTES);
  reader.end();
  return { salt, canonical, legacyReceipt };
}

function checkSalt(salt: Uint8Array): void {
  if (salt.length !== SALT_BYTES) throw new RangeError("a salt has 32 bytes");
}
