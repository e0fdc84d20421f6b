/**
 * The costly part of an audit, apart from the rest: which of many receipts is the first that was not signed as it says.
 * Jobs are plain data, so that a batch may go to another thread.
 */

import { type SignedReceipt, verifyReceiptSignature } from "./signed_receipt.ts";

export interface SignatureJob {
  readonly receipt: SignedReceipt;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Position in `jobs` of the first signature that does not verify; -1 when all do. */
export type FirstBadSignature = (jobs: readonly SignatureJob[]) => number | Promise<number>;

export function firstBadSignature(jobs: readonly SignatureJob[]): number {
  return jobs.findIndex(({ receipt, publicKey }) => !verifyReceiptSignature(receipt, publicKey));
}
