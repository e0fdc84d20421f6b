/**
 * Proposals and their bodies as bytes. The rules of store/rows.ts hold: strict, versioned, and
 * nothing in a row that retention would have to remove.
 */

import type { Peer, Signer } from "../../core/types.ts";
import { ByteReader, ByteWriter, damaged } from "../store/bytes.ts";
import {
  codeOf,
  hexOf,
  memberOf,
  readDigest,
  readOptional,
  readSigners,
  writeOptional,
  writeSigners,
} from "../store/rows.ts";
import type { ProposalBody, ProposalRecord, SignedBody } from "./types.ts";

const VERSION = 1;
const SALT_BYTES = 32;

/** The order is part of the format: append only. */
const STATUSES: readonly ProposalRecord["status"][] = [
  "pending",
  "approved",
  "started",
  "declined",
  "expired",
  "withdrawn",
  "refused",
];

/** A proposal, where its bodies are, and until when its row has to stay. */
export interface StoredProposal {
  readonly record: ProposalRecord;
  /** The buckets of its sealed bodies, in ms since 1970; 0 if not stored. */
  readonly bodyBucketMs: number;
  readonly signaturesBucketMs: number;
  /** In ms since 1970; 0 while it has not ended, or is to stay for ever. */
  readonly keptUntilMs: number;
}

export function encodeProposal(
  { record, bodyBucketMs, signaturesBucketMs, keptUntilMs }: StoredProposal,
): Uint8Array {
  const writer = new ByteWriter(512)
    .u8(VERSION)
    .u8(STATUSES.indexOf(record.status))
    .u8(record.delivered ? 1 : 0)
    .text(record.code ?? "")
    .text(record.action)
    .text(record.nonce)
    .text(record.traceparent ?? "")
    .text(record.client ?? "")
    .hex(hexOf(record.requestCommitment))
    .hex(hexOf(record.shownDigest))
    .u48(record.proposedAtMs)
    .u48(record.expiresAtMs)
    .u48(record.collectedUntil)
    .u48(bodyBucketMs)
    .u48(signaturesBucketMs)
    .u48(keptUntilMs);
  writePeer(writer, record.peer);
  writeOptional(writer, record.approvedAtMs, (ms) => writer.u48(ms));
  writeOptional(writer, record.endedAtMs, (ms) => writer.u48(ms));
  writeOptional(writer, record.logIndex, (index) => writer.u48(index));
  writeBy(writer, record.endedBy);
  writer.u32(record.collected.length);
  for (const { iss, jti } of record.collected) writer.text(iss).text(jti);
  writer.u32(record.bodies.length);
  for (const { iss, jti, expiresAt, signers } of record.bodies) {
    writer.text(iss).text(jti).u48(expiresAt);
    writeSigners(writer, signers, 2);
  }
  return writer.finish();
}

/** Throws a Refusal, ledger_unavailable, for anything that encodeProposal did not make. */
export function decodeProposal(id: string, row: Uint8Array): StoredProposal {
  const reader = new ByteReader(row);
  if (reader.u8() !== VERSION) throw damaged();
  const status = memberOf(STATUSES, reader.u8());
  const delivered = flag(reader);
  const code = codeOf(reader.text());
  const [action, nonce] = [reader.text(), reader.text()];
  const [traceparent, client] = [reader.text() || null, reader.text() || null];
  const [requestCommitment, shownDigest] = [readDigest(reader), readDigest(reader)];
  const [proposedAtMs, expiresAtMs, collectedUntil] = [reader.u48(), reader.u48(), reader.u48()];
  const [bodyBucketMs, signaturesBucketMs] = [reader.u48(), reader.u48()];
  const keptUntilMs = reader.u48();
  const record: ProposalRecord = {
    id,
    action,
    nonce,
    peer: readPeer(reader),
    traceparent,
    client,
    delivered,
    status,
    code,
    requestCommitment,
    shownDigest,
    proposedAtMs,
    expiresAtMs,
    approvedAtMs: readOptional(reader, () => reader.u48()),
    endedAtMs: readOptional(reader, () => reader.u48()),
    logIndex: readOptional(reader, () => reader.u48()),
    endedBy: readBy(reader),
    collected: readList(reader, () => ({ iss: reader.text(), jti: reader.text() })),
    bodies: readList(reader, () => readBody(reader)),
    collectedUntil,
  };
  reader.end();
  return { record, bodyBucketMs, signaturesBucketMs, keptUntilMs };
}

/** The row of a proposal that waits: the bucket of its body. */
export function encodeBucket(bucketMs: number): Uint8Array {
  return new ByteWriter(6).u48(bucketMs).finish();
}

export function decodeBucket(row: Uint8Array): number {
  return new ByteReader(row).u48();
}

export function encodeBody({ salt, canonical, reason, declineReason }: ProposalBody): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new RangeError("a salt has 32 bytes");
  const writer = new ByteWriter(512).bytes(salt).text(canonical);
  writeOptional(writer, reason, (text) => writer.text(text));
  writeOptional(writer, declineReason, (text) => writer.text(text));
  return writer.finish();
}

export function decodeBody(bytes: Uint8Array): ProposalBody {
  const reader = new ByteReader(bytes);
  const body = {
    salt: reader.bytes(SALT_BYTES),
    canonical: reader.canonical(),
    reason: readOptional(reader, () => reader.text()),
    declineReason: readOptional(reader, () => reader.text()),
  };
  reader.end();
  return body;
}

export function encodeEnvelopes(envelopes: readonly string[]): Uint8Array {
  const writer = new ByteWriter(1024).u32(envelopes.length);
  for (const envelope of envelopes) writer.text(envelope);
  return writer.finish();
}

export function decodeEnvelopes(bytes: Uint8Array): readonly string[] {
  const reader = new ByteReader(bytes);
  const envelopes = readList(reader, () => reader.text());
  reader.end();
  return envelopes;
}

function readBody(reader: ByteReader): SignedBody {
  return {
    iss: reader.text(),
    jti: reader.text(),
    expiresAt: reader.u48(),
    signers: readSigners(reader, 2),
  };
}

/** One byte of kind: nobody, an approver, a peer. */
function writeBy(writer: ByteWriter, by: Signer | Peer | null): void {
  if (by === null) return void writer.u8(0);
  if ("keyid" in by) return writeSigners(writer.u8(1), [by], 2);
  writePeer(writer.u8(2), by);
}

function readBy(reader: ByteReader): Signer | Peer | null {
  switch (reader.u8()) {
    case 0:
      return null;
    case 1: {
      const [signer, ...more] = readSigners(reader, 2);
      if (signer === undefined || more.length > 0) throw damaged();
      return signer;
    }
    case 2:
      return readPeer(reader);
    default:
      throw damaged();
  }
}

function writePeer(writer: ByteWriter, { socket, uid, gid, pid }: Peer): void {
  writer.text(socket).u32(uid).u32(gid).u32(pid);
}

function readPeer(reader: ByteReader): Peer {
  return { socket: reader.text(), uid: reader.u32(), gid: reader.u32(), pid: reader.u32() };
}

function readList<T>(reader: ByteReader, read: () => T): readonly T[] {
  const items: T[] = [];
  for (let left = reader.u32(); left > 0; left--) items.push(read());
  return items;
}

function flag(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw damaged();
  return value === 1;
}
