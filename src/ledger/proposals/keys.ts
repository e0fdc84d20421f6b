/**
 * Keys of the table `index` about proposals. The first byte says which index a row belongs to; 7 is
 * that of executions by peer (store/keys.ts).
 *
 * Invariant: every proposal is in the index of nonces and in that of peers for as long as its row
 * is; in `open` exactly while it waits; in `ended` from an end without a run on; in `owed` while
 * the log lacks the receipt of its end; in `undelivered`, where its client has a name, until that
 * client was told its end.
 */

import { ByteReader, ByteWriter } from "../store/bytes.ts";
import { executionIdOf, hashOfFields } from "../store/keys.ts";

const NONCE = 1;
const PEER = 2;
const OPEN = 3;
const ENDED = 4;
const OWED = 5;
const UNDELIVERED = 6;

/** 33 bytes. A nonce is one peer uid's own until it is reserved: two may wait under the same. */
export function proposalNonceKey(uid: number, nonce: string): Uint8Array {
  return new ByteWriter(33).u8(NONCE).hex(hashOfFields("proposal", String(uid), nonce))
    .finish();
}

/** 21 bytes: sorts a peer's proposals by their ids, and so by time. */
export function proposalPeerKey(uid: number, id: Uint8Array): Uint8Array {
  return new ByteWriter(21).u8(PEER).u32(uid).bytes(id).finish();
}

/** 17 bytes. Its row holds the bucket of what waits: the key must outlive the wait. */
export function openKey(id: Uint8Array): Uint8Array {
  return new ByteWriter(17).u8(OPEN).bytes(id).finish();
}

/** 23 bytes: sorts ended proposals by when their rows may go. */
export function endedKey(keptUntilMs: number, id: Uint8Array): Uint8Array {
  return new ByteWriter(23).u8(ENDED).u48(keptUntilMs).bytes(id).finish();
}

/** 17 bytes. */
export function owedKey(id: Uint8Array): Uint8Array {
  return new ByteWriter(17).u8(OWED).bytes(id).finish();
}

/** 49 bytes: sorts what a uid's client was not told by its id, and so by time. */
export function undeliveredKey(uid: number, client: string, id: Uint8Array): Uint8Array {
  return new ByteWriter(49).u8(UNDELIVERED).hex(hashOfFields("client", String(uid), client))
    .bytes(id).finish();
}

/** The range of everything that waits. */
export const OPEN_KEYS = rangeOf(OPEN);
export const OWED_KEYS = rangeOf(OWED);

/** The range of what may go at `nowMs`. */
export function endedUntil(nowMs: number): { start: Uint8Array; end: Uint8Array } {
  const start = new ByteWriter(7).u8(ENDED).u48(0).finish();
  return { start, end: new ByteWriter(7).u8(ENDED).u48(nowMs + 1).finish() };
}

/** The proposal of a key of the indexes `peer`, `open`, `ended` and `owed`: the last 16 bytes. */
export function proposalIdOf(key: Uint8Array): string {
  const reader = new ByteReader(key);
  reader.view(key.length - 16);
  return executionIdOf(reader.view(16));
}

function rangeOf(index: number): { start: Uint8Array; end: Uint8Array } {
  return { start: new Uint8Array([index]), end: new Uint8Array([index + 1]) };
}
