/**
 * DSSE 1.0.2: the JSON envelope and what its signatures cover (the pre-authentication encoding).
 *
 * Stricter than DSSE: every signature names its key. Unknown members are ignored, which DSSE asks
 * for: nothing signed and nothing decided depends on them.
 */

import { base64Decode, base64Encode, pooledConcat, pooledUtf8 } from "./bytes.ts";
import { SIGNATURE_BYTES_MAX, SIGNATURES_MAX } from "./limits.ts";
import { list, open, string, type TypeOf, where } from "./shape.ts";
import type { JsonObject } from "./types.ts";

export interface EnvelopeSignature {
  /** Not empty. A hint which key to try: it is not signed itself. */
  readonly keyid: string;
  /** 1 to SIGNATURE_BYTES_MAX. Its form is the kind of its key's. */
  readonly signature: Uint8Array;
}

export interface Envelope {
  readonly payloadType: string;
  /** The signed body's own bytes, white space included. */
  readonly body: Uint8Array;
  /** 1 to SIGNATURES_MAX. */
  readonly signatures: readonly EnvelopeSignature[];
}

/** Returns what a signature covers (PAE): `DSSEv1 LEN(type) type LEN(body) body`, in bytes. */
export function preAuthEncoding(payloadType: string, body: Uint8Array): Uint8Array {
  const typeLength = pooledUtf8(payloadType).length;
  return pooledConcat(pooledUtf8(`DSSEv1 ${typeLength} ${payloadType} ${body.length} `), body);
}

const isSignature = open({ keyid: where(string, (keyid) => keyid !== ""), sig: string });

const isEnvelope = open({
  payloadType: string,
  payload: string,
  signatures: where(list(isSignature), ({ length }) => length <= SIGNATURES_MAX),
});

/**
 * Returns undefined when `value` is not an envelope as described above. It was parsed as I-JSON, so
 * that it has no member twice.
 */
export function parseEnvelope(value: unknown): Envelope | undefined {
  if (!isEnvelope(value)) return undefined;
  const body = base64Decode(value.payload);
  const signatures = value.signatures.map(signatureOf).filter((each) => each !== undefined);
  if (body === undefined || signatures.length < value.signatures.length) return undefined;
  return { payloadType: value.payloadType, body, signatures };
}

/** Returns the envelope as JSON, in the standard base64 alphabet. */
export function envelopeJson(envelope: Envelope): JsonObject {
  return {
    payload: base64Encode(envelope.body),
    payloadType: envelope.payloadType,
    signatures: envelope.signatures.map(({ keyid, signature }) => ({
      keyid,
      sig: base64Encode(signature),
    })),
  };
}

function signatureOf({ keyid, sig }: TypeOf<typeof isSignature>): EnvelopeSignature | undefined {
  const signature = base64Decode(sig);
  if (signature === undefined || signature.length < 1) return undefined;
  return signature.length <= SIGNATURE_BYTES_MAX ? { keyid, signature } : undefined;
}
