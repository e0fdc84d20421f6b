/**
 * Keys of the ledger's rows.
 *
 * Invariants:
 * - Names that callers choose enter as the SHA-256 of length-prefixed fields. So two lists of
 *   fields never share a key, and no key is longer than LMDB allows.
 * - Numbers are big-endian, so that rows sort by them.
 */

import { concatBytes } from "../../core/bytes.ts";
import { digestOf } from "../../core/sha.ts";
import { isUuid, uuidText } from "../../core/uuid.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { hexOf } from "./rows.ts";

/** The first byte of a claim's key. */
export const NONCE = 1;
export const APPROVAL = 2;

/** 33 bytes. */
export function nonceKey(nonce: string): Uint8Array {
  return claimKey(NONCE, nonceHash(nonce));
}

/**
 * 33 bytes. It leaves out the scheme: a revocation names (iss, jti) alone and holds for either one.
 * A legacy artifact's jti is a hash, so a DSSE approval shares it only on purpose, and is refused.
 */
export function approvalKey(iss: string, jti: string): Uint8Array {
  return claimKey(APPROVAL, approvalHash(iss, jti));
}

/** 33 bytes; `hash` is 32 in hex. */
export function claimKey(kind: number, hash: string): Uint8Array {
  return new ByteWriter(33).u8(kind).hex(hash).finish();
}

export function nonceHash(nonce: string): string {
  return hashOfFields("nonce", nonce);
}

export function approvalHash(iss: string, jti: string): string {
  return hashOfFields("approval", iss, jti);
}

/** The 32 bytes under which the binding of an approval is sealed. */
export function bindingId(approval: Uint8Array): Uint8Array {
  return approval.subarray(1);
}

/** The range of all claims of a kind. */
export function claimsOf(kind: number): { start: Uint8Array; end: Uint8Array } {
  return { start: Uint8Array.of(kind), end: Uint8Array.of(kind + 1) };
}

/** Returns 32 bytes in hex. */
export function hashOfFields(...fields: readonly string[]): string {
  const writer = new ByteWriter(256);
  for (const field of fields) writer.text(field);
  return hexOf(digestOf(writer.finish()));
}

/** 16 bytes; undefined if `id` is not a UUID, because callers look up any text. */
export function executionKey(id: string): Uint8Array | undefined {
  return isUuid(id) ? new ByteWriter(16).hex(id.replaceAll("-", "")).finish() : undefined;
}

/** 16 bytes, of an id that the daemon itself made; throws RangeError if it is not a UUID. */
export function ownExecutionKey(id: string): Uint8Array {
  const key = executionKey(id);
  if (key === undefined) throw new RangeError("an execution's id is a UUIDv7");
  return key;
}

export function executionIdOf(key: Uint8Array): string {
  return uuidText(new ByteReader(key).hex(16));
}

/** The first byte of a key in the table `index`; 1 to 6 are those of proposals/keys.ts. */
const PEER = 7;
/** An id begins with its time, and the time's first five bytes change every 256 ms. */
const SPAN_BYTES = 5;
/** Sorts behind whatever follows in an id. */
const LAST = new Uint8Array(12).fill(0xff);

/**
 * 10 bytes: the uid, then a span of time. Such a row says that executions of that uid have ids of
 * that span.
 */
export function peerKey(uid: number, span: Uint8Array): Uint8Array {
  return new ByteWriter(10).u8(PEER).u32(uid).bytes(span).finish();
}

/** The span of 256 ms that an execution's id was made in. */
export function spanOf(execution: Uint8Array): Uint8Array {
  return execution.subarray(0, SPAN_BYTES);
}

/** The part of an id's text that tells its span. */
export function spanTextOf(id: string): string {
  return id.slice(0, 2 * SPAN_BYTES + 1);
}

/** The range of a span's executions. */
export function executionsIn(span: Uint8Array): { start: Uint8Array; end: Uint8Array } {
  return { start: span, end: concatBytes(span, LAST) };
}

export function peerOf(key: Uint8Array): { readonly uid: number; readonly span: Uint8Array } {
  const reader = new ByteReader(key);
  reader.u8();
  return { uid: reader.u32(), span: reader.view(SPAN_BYTES) };
}

/** 6 bytes. */
export function leafKey(index: number): Uint8Array {
  return new ByteWriter(6).u48(index).finish();
}

/**
 * 7 bytes: sorts right behind the last leaf that the tile covers, so that every append writes at
 * the end of the table.
 */
export function tileKey(rank: number, lastLeaf: number): Uint8Array {
  return new ByteWriter(7).u48(lastLeaf).u8(rank).finish();
}

/**
 * An execution's request, its result or the reason of its failure, or the digest of the body that
 * an approval is bound to; a proposal's body, or the envelopes that were signed for it.
 */
export type SealedKind = "request" | "result" | "binding" | "proposal" | "signatures" | "reason";

const KINDS: Record<SealedKind, number> = {
  request: 1,
  result: 2,
  binding: 3,
  proposal: 4,
  signatures: 5,
  reason: 6,
};

/**
 * The bucket comes first, so that rows sort by when they expire. Then the id: the bodies of one
 * execution lie beside each other.
 */
export function sealedKey(bucketMs: number, kind: SealedKind, id: Uint8Array): Uint8Array {
  return new ByteWriter(40).u48(bucketMs).bytes(id).u8(KINDS[kind]).finish();
}

/** Returns what is authenticated with the row of that key: bucket, kind, id. */
export function sealedName(key: Uint8Array): Uint8Array {
  const [bucket, id, kind] = [key.subarray(0, 6), key.subarray(6, -1), key.subarray(-1)];
  return concatBytes(bucket, kind, id);
}

/** The lowest key of a bucket. */
export function bucketStart(bucketMs: number): Uint8Array {
  return leafKey(bucketMs);
}

export function bucketOfSealedKey(key: Uint8Array): number {
  return new ByteReader(key).u48();
}

/** The range of all 16-byte keys. */
export const EXECUTION_KEYS = { start: new Uint8Array(16), end: new Uint8Array(17).fill(0xff) };
