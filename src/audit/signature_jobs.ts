/**
 * The costly part of an audit, apart from the rest: which of many receipts is the first that was not signed as it says.
 * Jobs are plain data, and one buffer when they are packed, so that a batch may go to another thread at no cost.
 */

import { type SignedReceipt, verifyReceiptSignature } from "../log/signed_receipt.ts";

export interface SignatureJob {
  readonly receipt: Pick<SignedReceipt, "body" | "signature">;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Position in `jobs` of the first signature that does not verify; -1 when all do. */
export type FirstBadSignature = (jobs: readonly SignatureJob[]) => number | Promise<number>;

export function firstBadSignature(jobs: readonly SignatureJob[]): number {
  return jobs.findIndex(({ receipt, publicKey }) => !verifyReceiptSignature(receipt, publicKey));
}

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const LENGTH_BYTES = 4;
const HEAD_BYTES = KEY_BYTES + SIGNATURE_BYTES + LENGTH_BYTES;

/** Each job as its key, its signature, the body's length in four bytes (big-endian) and the body. */
export function packJobs(jobs: readonly SignatureJob[]): Uint8Array<ArrayBuffer> {
  const length = jobs.reduce((sum, { receipt }) => sum + HEAD_BYTES + receipt.body.length, 0);
  const packed = new Uint8Array(length);
  const view = new DataView(packed.buffer);
  let at = 0;
  for (const { receipt: { body, signature }, publicKey } of jobs) {
    packed.set(publicKey, at);
    packed.set(signature, at + KEY_BYTES);
    view.setUint32(at + KEY_BYTES + SIGNATURE_BYTES, body.length);
    packed.set(body, at + HEAD_BYTES);
    at += HEAD_BYTES + body.length;
  }
  return packed;
}

/** What packJobs packed. */
export function unpackJobs(packed: Uint8Array): SignatureJob[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const jobs: SignatureJob[] = [];
  for (let at = 0; at < packed.length;) {
    const signatureAt = at + KEY_BYTES;
    const bodyAt = at + HEAD_BYTES;
    const next = bodyAt + view.getUint32(signatureAt + SIGNATURE_BYTES);
    jobs.push({
      publicKey: packed.subarray(at, signatureAt),
      receipt: {
        signature: packed.subarray(signatureAt, signatureAt + SIGNATURE_BYTES),
        body: packed.subarray(bodyAt, next),
      },
    });
    at = next;
  }
  return jobs;
}
