/**
 * Receipts with the executor's signature: DSSE 1.0.2 with one Ed25519 signature.
 *
 * Invariants:
 * - A body has one version, and its payload type names that one.
 * - The signature covers the DSSE pre-authentication encoding under this payload type, so that none
 *   on an approval, a checkpoint or a cosignature passes for one on a receipt.
 */

import { type Envelope, envelopeJson, preAuthEncoding } from "../core/dsse.ts";
import { type SigningKey, verify } from "../core/keys/ed25519.ts";
import { isDigest } from "../core/sha.ts";
import type { JsonObject } from "../core/types.ts";
import { keyidOf } from "./keyid.ts";
import {
  decodeReceipt,
  encodeReceipt,
  type Receipt,
  type ReceiptVersion,
  receiptVersion,
} from "./receipt.ts";

const RECEIPT_TYPES = {
  1: "application/vnd.openexec.receipt.v1+json",
  2: "application/vnd.openexec.receipt.v2+json",
} as const satisfies Record<ReceiptVersion, string>;

/** An Ed25519 signature (RFC 8032, section 5.1.6). */
export const SIGNATURE_BYTES = 64;

function signedBytes({ version, body }: Pick<SignedReceipt, "version" | "body">): Uint8Array {
  return preAuthEncoding(RECEIPT_TYPES[version], body);
}

/** A receipt ready to be appended. Its body is the leaf of the log. */
export interface SignedReceipt {
  /** The version that it claims, which openReceipt compares with the body. */
  readonly version: ReceiptVersion;
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
    const unsigned = { version: receiptVersion(receipt), body: encodeReceipt(receipt) };
    return { ...unsigned, keyid, signature: signingKey.sign(signedBytes(unsigned)) };
  };
}

/** Returns what it says, or undefined unless the body is a receipt of exactly this version. */
export function openReceipt(
  { version, body }: Pick<SignedReceipt, "version" | "body">,
): Receipt | undefined {
  const receipt = decodeReceipt(body);
  return receipt !== undefined && receiptVersion(receipt) === version ? receipt : undefined;
}

/** Whether `publicKey` (32 bytes) signed exactly this body, as a receipt of this version. */
export function verifyReceiptSignature(
  receipt: Omit<SignedReceipt, "keyid">,
  publicKey: Uint8Array,
): boolean {
  return verify(receipt.signature, signedBytes(receipt), publicKey);
}

/** Returns the DSSE object: {payload, payloadType, signatures: [{keyid, sig}]}. */
export function receiptEnvelope({ version, body, keyid, signature }: SignedReceipt): JsonObject {
  const payloadType = RECEIPT_TYPES[version];
  return envelopeJson({ payloadType, body, signatures: [{ keyid, signature }] });
}

/** Returns undefined unless the type is ours and there is one signature, by a keyid of our form. */
export function receiptOfEnvelope(
  { payloadType, body, signatures }: Envelope,
): SignedReceipt | undefined {
  const [only] = signatures;
  const version = ([1, 2] as const).find((each) => RECEIPT_TYPES[each] === payloadType);
  if (version === undefined || only === undefined || signatures.length !== 1) return undefined;
  const { keyid, signature } = only;
  return isDigest(keyid) && signature.length === SIGNATURE_BYTES
    ? { version, body, keyid, signature }
    : undefined;
}
