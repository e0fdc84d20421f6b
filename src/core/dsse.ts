/**
 * DSSE 1.0.2: the JSON envelope and what its signatures cover (the pre-authentication encoding).
 *
 * Stricter than DSSE: every signature names its key. Unknown members are ignored, which DSSE asks
 * for: nothing signed and nothing decided depends on them.
 */

import { base64Decode, base64Encode, concatBytes, utf8Encode } from "./bytes.ts";
import { type JsonNode, memberOf } from "./json/json.ts";
import { SIGNATURE_BYTES_MAX, SIGNATURES_MAX } from "./limits.ts";
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
  const typeLength = utf8Encode(payloadType).length;
  return concatBytes(
    utf8Encode(`DSSEv1 ${typeLength} ${payloadType} ${body.length} `),
    body,
  );
}

/** Returns undefined when `node` is not an envelope as described above. */
export function parseEnvelope(node: JsonNode): Envelope | undefined {
  const payloadType = textOf(node, "payloadType");
  const body = bytesOf(node, "payload");
  const listed = memberOf(node, "signatures");
  if (payloadType === undefined || body === undefined || listed?.kind !== "array") return undefined;
  if (listed.items.length < 1 || listed.items.length > SIGNATURES_MAX) return undefined;
  const signatures = listed.items.map(parseSignature).filter((signature) =>
    signature !== undefined
  );
  return signatures.length === listed.items.length ? { payloadType, body, signatures } : undefined;
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

function parseSignature(node: JsonNode): EnvelopeSignature | undefined {
  const keyid = textOf(node, "keyid");
  const signature = bytesOf(node, "sig");
  if (!keyid || signature === undefined) return undefined;
  const isOfSize = signature.length >= 1 && signature.length <= SIGNATURE_BYTES_MAX;
  return isOfSize ? { keyid, signature } : undefined;
}

function textOf(node: JsonNode, key: string): string | undefined {
  const member = memberOf(node, key);
  return member?.kind === "string" ? member.value : undefined;
}

function bytesOf(node: JsonNode, key: string): Uint8Array | undefined {
  const text = textOf(node, key);
  return text === undefined ? undefined : base64Decode(text);
}
