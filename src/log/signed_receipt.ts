/**
 * A receipt body with the executor's signature: DSSE 1.0.2 with one Ed25519 signature.
 *
 * Invariant: what is signed is the DSSE pre-authentication encoding under this payload type, so that no signature on an
 * approval, a checkpoint or a cosignature is one on a receipt.
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

/** A receipt ready to be appended: the DSSE body bytes (the log's leaf) and its signature. */
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

/** Signs many receipts with one key, which is named once. */
export function receiptSigner(signingKey: SigningKey): (receipt: Receipt) => SignedReceipt {
  const keyid = keyidOf(signingKey.publicKey);
  return (receipt) => {
    const body = encodeReceipt(receipt);
    return { body, keyid, signature: signingKey.sign(signedBytes(body)) };
  };
}

/** Whether `publicKey` (32 bytes) signed exactly this body as a receipt. */
export function verifyReceiptSignature(
  { body, signature }: Pick<SignedReceipt, "body" | "signature">,
  publicKey: Uint8Array,
): boolean {
  return verify(signature, signedBytes(body), publicKey);
}

/** The DSSE JSON object: {payload, payloadType, signatures: [{keyid, sig}]}. */
export function receiptEnvelope({ body, keyid, signature }: SignedReceipt): JsonObject {
  return envelopeJson({ payloadType: RECEIPT_TYPE, body, signatures: [{ keyid, signature }] });
}

/** The receipt in an envelope; undefined when it is of another type, or has not one signature by a keyid of ours. */
export function receiptOfEnvelope(
  { payloadType, body, signatures }: Envelope,
): SignedReceipt | undefined {
  const [only] = signatures;
  if (payloadType !== RECEIPT_TYPE || only === undefined || signatures.length !== 1) {
    return undefined;
  }
  return isDigest(only.keyid) ? { body, keyid: only.keyid, signature: only.signature } : undefined;
}
