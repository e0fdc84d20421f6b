/**
 * Executions, approvals and receipts as rows. They are compact, strict and versioned: what decodes
 * is exactly what was encoded, and a row of an unknown version is damage.
 *
 * Invariant: a row holds nothing that retention would have to remove: no payload, result, salt,
 * envelope, or plain digest of one.
 */

import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import type {
  ApprovalReference,
  Digest,
  ExecutionStatus,
  KeyKind,
  Mode,
  Peer,
  Signer,
} from "../../core/types.ts";
import type { LoggedReceipt, SignedReceipt } from "../../log/signed_receipt.ts";
import { SIGNATURE_BYTES } from "../../log/signed_receipt.ts";
import type { ExecutionRecord } from "../types.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";

const VERSION = 1;
const EXECUTION_KEY_BYTES = 16;
const DIGEST_BYTES = 32;
const DIGEST_PREFIX = "sha256:";

/**
 * An execution, and the buckets of its sealed bodies, in ms since 1970; 0 if not stored. A failure
 * has its reason in the bucket of the result that it does not have.
 */
export interface StoredExecution {
  readonly record: ExecutionRecord;
  readonly requestBucketMs: number;
  readonly resultBucketMs: number;
}

/** The order is part of the format: append only. */
const STATUSES: readonly ExecutionStatus[] = [
  "reserved",
  "succeeded",
  "failed",
  "timed_out",
  "crashed",
  "outcome_unknown",
];
const MODES: readonly Mode[] = ["enforced", "demo"];
const SCHEMES: readonly ApprovalReference["scheme"][] = ["dsse", "clawshield"];
const KINDS: readonly KeyKind[] = ["ed25519", "sshsig", "passkey"];

/** Version 2 holds the kinds of signers' keys and the time of the proposal, where they are. */
function executionVersion({ approval, proposedAtMs }: ExecutionRecord): 1 | 2 {
  const isPlain = approval?.signers.every((signer) => flagsOf(signer) === 0) ?? true;
  return isPlain && proposedAtMs === null ? 1 : 2;
}

/** The row under executionKey(record.id). */
export function encodeExecution(
  { record, requestBucketMs, resultBucketMs }: StoredExecution,
): Uint8Array {
  const version = executionVersion(record);
  const writer = new ByteWriter(512)
    .u8(version)
    .u8(STATUSES.indexOf(record.status))
    .u8(MODES.indexOf(record.mode))
    .text(record.code ?? "")
    .text(record.action)
    .text(record.nonce)
    .text(record.traceId ?? "")
    .text(record.peer.socket)
    .u32(record.peer.uid)
    .u32(record.peer.gid)
    .u32(record.peer.pid)
    .hex(hexOf(record.handlerDigest))
    .hex(hexOf(record.requestCommitment))
    .u48(record.receivedAtMs)
    .u48(record.reservedAtMs)
    .u48(requestBucketMs)
    .u48(resultBucketMs);
  writeApproval(writer, record.approval, version);
  writeOptional(writer, record.resultCommitment, (digest) => writer.hex(hexOf(digest)));
  writeOptional(writer, record.startedAtMs, (ms) => writer.u48(ms));
  writeOptional(writer, record.settledAtMs, (ms) => writer.u48(ms));
  writeOptional(writer, record.logIndex, (index) => writer.u48(index));
  writeOptional(writer, record.resolution, ({ from, logIndex }) => {
    writer.u8(STATUSES.indexOf(from)).u48(logIndex);
  });
  if (version === 2) writeOptional(writer, record.proposedAtMs, (ms) => writer.u48(ms));
  return writer.finish();
}

/** Throws a Refusal, ledger_unavailable, for anything that encodeExecution did not make. */
export function decodeExecution(id: string, row: Uint8Array): StoredExecution {
  const reader = new ByteReader(row);
  const version = reader.u8();
  if (version !== 1 && version !== 2) throw damaged();
  const status = memberOf(STATUSES, reader.u8());
  const mode = memberOf(MODES, reader.u8());
  const code = codeOf(reader.text());
  const [action, nonce, traceId, socket] = [
    reader.text(),
    reader.text(),
    reader.text(),
    reader.text(),
  ];
  const peer: Peer = { uid: reader.u32(), gid: reader.u32(), pid: reader.u32(), socket };
  const handlerDigest = readDigest(reader);
  const requestCommitment = readDigest(reader);
  const [receivedAtMs, reservedAtMs] = [reader.u48(), reader.u48()];
  const [requestBucketMs, resultBucketMs] = [reader.u48(), reader.u48()];
  const record: ExecutionRecord = {
    id,
    action,
    nonce,
    mode,
    peer,
    approval: readApproval(reader, version),
    handlerDigest,
    requestCommitment,
    resultCommitment: readOptional(reader, () => readDigest(reader)),
    status,
    code,
    traceId: traceId === "" ? null : traceId,
    receivedAtMs,
    reservedAtMs,
    startedAtMs: readOptional(reader, () => reader.u48()),
    settledAtMs: readOptional(reader, () => reader.u48()),
    logIndex: readOptional(reader, () => reader.u48()),
    resolution: readOptional(reader, () => ({
      from: memberOf(STATUSES, reader.u8()),
      logIndex: reader.u48(),
    })),
    proposedAtMs: version === 2 ? readOptional(reader, () => reader.u48()) : null,
  };
  reader.end();
  if (executionVersion(record) !== version) throw damaged();
  return { record, requestBucketMs, resultBucketMs };
}

/** Reads the uid of an execution's peer, and nothing else. */
export function uidOf(row: Uint8Array): number {
  const reader = new ByteReader(row);
  reader.view(3);
  for (let texts = 5; texts > 0; texts--) reader.view(reader.u32());
  return reader.u32();
}

/** An approval, under approvalKey(iss, jti). */
export interface ApprovalRow {
  readonly usesTaken: number;
  readonly usesAllowed: number;
  /** executionKey, in hex, of the first execution it started; zeros if revoked before its use. */
  readonly firstExecution: string;
  /** 0 if it is not revoked. */
  readonly revokedAtMs: number;
  /** The bucket that its binding is sealed in; 0 if it is not on disk. */
  readonly bindingBucketMs: number;
}

/** The row of an approval that was never seen. */
export const UNSEEN: ApprovalRow = {
  usesTaken: 0,
  usesAllowed: 0,
  firstExecution: "00".repeat(EXECUTION_KEY_BYTES),
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
    .hex(row.firstExecution)
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
    firstExecution: reader.hex(EXECUTION_KEY_BYTES),
  };
  reader.end();
  return row;
}

/** The row under leafKey(index); its version is the receipt's. */
export function encodeReceipt({ version, body, keyid, signature }: SignedReceipt): Uint8Array {
  if (signature.length !== SIGNATURE_BYTES) {
    throw new RangeError("an Ed25519 signature has 64 bytes");
  }
  return new ByteWriter(body.length + 256).u8(version).text(keyid).bytes(signature).bytes(body)
    .finish();
}

export function decodeReceipt(index: number, row: Uint8Array): LoggedReceipt {
  const reader = new ByteReader(row);
  const version = reader.u8();
  if (version !== 1 && version !== 2) throw damaged();
  return {
    index,
    version,
    keyid: reader.text(),
    signature: reader.view(SIGNATURE_BYTES),
    body: reader.rest(),
  };
}

export function hexOf(digest: Digest): string {
  return digest.slice(DIGEST_PREFIX.length);
}

export function readDigest(reader: ByteReader): Digest {
  return `sha256:${reader.hex(DIGEST_BYTES)}`;
}

function writeApproval(
  writer: ByteWriter,
  approval: ApprovalReference | null,
  version: 1 | 2,
): void {
  writeOptional(writer, approval, ({ scheme, iss, jti, signers }) => {
    writer.u8(SCHEMES.indexOf(scheme)).text(iss).text(jti);
    writeSigners(writer, signers, version);
  });
}

export function writeSigners(
  writer: ByteWriter,
  signers: readonly Signer[],
  version: 1 | 2,
): void {
  writer.u32(signers.length);
  for (const signer of signers) {
    writer.text(signer.name).text(signer.keyid);
    if (version === 2) writer.u8(flagsOf(signer));
  }
}

function readApproval(reader: ByteReader, version: 1 | 2): ApprovalReference | null {
  return readOptional(reader, () => ({
    scheme: memberOf(SCHEMES, reader.u8()),
    iss: reader.text(),
    jti: reader.text(),
    signers: readSigners(reader, version),
  }));
}

export function readSigners(reader: ByteReader, version: 1 | 2): readonly Signer[] {
  const signers: Signer[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const [name, keyid] = [reader.text(), reader.text()];
    const flags = version === 2 ? reader.u8() : 0;
    const [userVerified, hardware] = [(flags & 4) !== 0, (flags & 8) !== 0];
    const signer = { name, keyid, kind: memberOf(KINDS, flags & 3), userVerified, hardware };
    if (flagsOf(signer) !== flags) throw damaged();
    signers.push(signer);
  }
  return signers;
}

/** Two bits of kind, one of the person's verification, one of hardware. */
function flagsOf({ kind, userVerified, hardware }: Signer): number {
  return KINDS.indexOf(kind) | (userVerified ? 4 : 0) | (hardware ? 8 : 0);
}

export function writeOptional<T>(
  writer: ByteWriter,
  value: T | null,
  write: (value: T) => void,
): void {
  writer.u8(value === null ? 0 : 1);
  if (value !== null) write(value);
}

export function readOptional<T>(reader: ByteReader, read: () => T): T | null {
  const present = reader.u8();
  if (present > 1) throw damaged();
  return present === 1 ? read() : null;
}

export function memberOf<T>(members: readonly T[], index: number): T {
  const member = members[index];
  if (member === undefined) throw damaged();
  return member;
}

export function codeOf(text: string): ErrorCode | null {
  return text === "" ? null : memberOf(ERROR_CODES, ERROR_CODES.findIndex((code) => code === text));
}
