/**
 * Keys of the ledger's rows.
 *
 * Invariants:
 * - Names that callers choose enter as the SHA-256 of length-prefixed fields. So two lists of
 *   fields never share a key, and no key is longer than LMDB allows.
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
 * 32 bytes. It leaves out the scheme: a revocation names (iss, jti) alone and holds for either one.
 * A legacy artifact's jti is a hash, so a DSSE approval shares it only on purpose, and is refused.
 */
export function approvalKey(iss: string, jti: string): Uint8Array {
  return hashOfFields("approval", iss, jti);
}

export function hashOfFields(...fields: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const field of fields) writer.text(field);
  return sha256(writer.finish());
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
  return uuidText(new ByteReader(key).view(16));
}

/** 20 bytes: the uid, then the execution. So a peer's executions sort together, by their ids. */
export function peerKey(uid: number, execution: Uint8Array): Uint8Array {
  return new ByteWriter(20).u32(uid).bytes(execution).finish();
}

/** 6 bytes. */
export function leafKey(index: number): Uint8Array {
  return new ByteWriter(6).u48(index).finish();
}

/**
 * 6 bytes: the place of a complete subtree in the order in which the tree's nodes are created, so
 * that every append writes at the end of the table. Leaf n comes after n leaves and after the
 * n - popcount(n) nodes above them.
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

/** The bucket comes first, so that rows sort by when they expire. */
export function sealedKey(bucketMs: number, kind: SealedKind, id: Uint8Array): Uint8Array {
  return new ByteWriter(40).u48(bucketMs).u8(KINDS[kind]).bytes(id).finish();
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
