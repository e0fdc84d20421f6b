/**
 * Receipts with the executor's signature: DSSE 1.0.2 with one Ed25519 signature.
 *
 * Invariant: the signature covers the DSSE pre-authentication encoding under this payload type, so
 * that none on an approval, a checkpoint or a cosignature passes for one on a receipt.
 */

import { type Envelope, envelopeJson, preAuthEncoding } from "../core/dsse.ts";
import { type SigningKey, verify } from "../core/ed25519.ts";
import { isDigest } from "../core/sha.ts";
import type { JsonObject } from "../core/types.ts";
import { keyidOf } from "./keyid.ts";
import { encodeReceipt, type Receipt } from "./receipt.ts";

export const RECEIPT_TYPE = "application/vnd.openexec.receipt.v1+json";

function signedBytes(body: Uint8Array): Uint8Array {
  return preAuthEncoding(RECEIPT_TYPE, body);
}

/** A receipt ready to be appended. Its body is the leaf of the log. */
export interface SignedReceipt {
  readonly body: Uint8Array;
  readonly keyid: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

export interface LoggedReceipt extends SignedReceipt {
  readonly index: number;
}

export function signReceipt(receipt: Receipt, signingKey: SigningKey): SignedReceipt {
  return receiptSigner(signingKey)(receipt);
}

/** Returns a function that signs receipts, and derives the keyid once. */
export function receiptSigner(signingKey: SigningKey): (receipt: Receipt) => SignedReceipt {
  const keyid = keyidOf(signingKey.publicKey);
  return (receipt) => {
    const body = encodeReceipt(receipt);
    return { body, keyid, signature: signingKey.sign(signedBytes(body)) };
  };
}

/** Whether `publicKey` (32 bytes) signed exactly this body, as a receipt. */
export function verifyReceiptSignature(
  { body, signature }: Pick<SignedReceipt, "body" | "signature">,
  publicKey: Uint8Array,
): boolean {
  return verify(signature, signedBytes(body), publicKey);
}

/** Returns the DSSE object: {payload, payloadType, signatures: [{keyid, sig}]}. */
export function receiptEnvelope({ body, keyid, signature }: SignedReceipt): JsonObject {
  return envelopeJson({ payloadType: RECEIPT_TYPE, body, signatures: [{ keyid, signature }] });
}

/** Returns undefined unless the type is ours and there is one signature, by a keyid of our form. */
export function receiptOfEnvelope(
  { payloadType, body, signatures }: Envelope,
): SignedReceipt | undefined {
  const [only] = signatures;
  if (payloadType !== RECEIPT_TYPE || only === undefined || signatures.length !== 1) {
    return undefined;
  }
  return isDigest(only.keyid) ? { body, keyid: only.keyid, signature: only.signature } : undefined;
}
