/**
 * Keys of the ledger's rows.
 *
 * Invariants:
 * - Names that callers choose enter as the SHA-256 of length-prefixed fields, so that no two lists of fields share a key
 *   and no key outgrows what LMDB takes.
 * - Numbers are big-endian, so that rows sort by them.
 */

import { sha256 } from "../../core/sha.ts";
import { isUuid, uuidText } from "../../core/uuid.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/** 32 bytes. */
export function nonceKey(nonce: string): Uint8Array {
  return hashOfFields("nonce", nonce);
}

/**
 * 32 bytes. The scheme is no part of it: a revocation names (iss, jti) alone and has to hold for either, and a legacy
 * artifact's jti is a hash that no DSSE approval has by accident. Should one have it on purpose, it is refused.
 */
export function approvalKey(iss: string, jti: string): Uint8Array {
  return hashOfFields("approval", iss, jti);
}

/** 32 bytes. */
export function hashOfFields(...fields: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const field of fields) writer.text(field);
  return sha256(writer.finish());
}

/** 16 bytes of a UUID; undefined when `id` is none, as anything a caller looks up may be. */
export function executionKey(id: string): Uint8Array | undefined {
  return isUuid(id) ? new ByteWriter(16).hex(id.replaceAll("-", "")).finish() : undefined;
}

export function executionIdOf(key: Uint8Array): string {
  return uuidText(new ByteReader(key).view(16));
}

/** 20 bytes: a uid, then the execution, so that one peer's executions stand together in the order of their ids. */
export function peerKey(uid: number, execution: Uint8Array): Uint8Array {
  return new ByteWriter(20).u32(uid).bytes(execution).finish();
}

/** 6 bytes. */
export function leafKey(index: number): Uint8Array {
  return new ByteWriter(6).u48(index).finish();
}

/**
 * 6 bytes: the place of a complete subtree in the order in which the tree's nodes come to be, so that every append
 * writes at the end of the table. Leaf n is preceded by n leaves and by n - popcount(n) nodes above them.
 */
export function nodeKey(level: number, index: number): Uint8Array {
  const lastLeaf = (index + 1) * 2 ** level - 1;
  return leafKey(2 * lastLeaf - popcount(lastLeaf) + level);
}

function popcount(value: number): number {
  let ones = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}

/** What is sealed under one id: an execution's request, its result, or the body that a grant is bound to. */
export type SealedKind = "request" | "result" | "grant";

const KINDS: Record<SealedKind, number> = { request: 1, result: 2, grant: 3 };

/** The bucket first: rows in the order in which they expire. */
export function sealedKey(bucketMs: number, kind: SealedKind, id: Uint8Array): Uint8Array {
  return new ByteWriter(40).u48(bucketMs).u8(KINDS[kind]).bytes(id).finish();
}

/** Where the rows of a bucket begin. */
export function bucketStart(bucketMs: number): Uint8Array {
  return leafKey(bucketMs);
}

export function bucketOfSealedKey(key: Uint8Array): number {
  return new ByteReader(key).u48();
}

/** All 16-byte keys. */
export const EXECUTION_KEYS = { start: new Uint8Array(16), end: new Uint8Array(17).fill(0xff) };
