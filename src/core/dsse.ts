/**
 * DSSE 1.0.2: the JSON envelope and what its signatures cover (the pre-authentication encoding).
 *
 * Stricter than DSSE: every signature names its key, and is 64 bytes (Ed25519). As DSSE asks, unknown members are ignored:
 * nothing signed and nothing decided depends on them.
 */

import { base64Decode, base64Encode, utf8Encode } from "./bytes.ts";
import { type JsonNode, memberOf } from "./json.ts";
import { SIGNATURES_MAX } from "./limits.ts";
import { Slab } from "./slab.ts";
import type { JsonObject } from "./types.ts";

export interface EnvelopeSignature {
  /** Not empty. It is not signed: a hint which key to try. */
  readonly keyid: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

export interface Envelope {
  readonly payloadType: string;
  /** The signed body's own bytes, white space included. */
  readonly body: Uint8Array;
  /** 1 to SIGNATURES_MAX. */
  readonly signatures: readonly EnvelopeSignature[];
}

const slab = new Slab(2 ** 16);

/** PAE (protocol.md): `DSSEv1 LEN(type) type LEN(body) body`, lengths in bytes. */
export function preAuthEncoding(payloadType: string, body: Uint8Array): Uint8Array {
  return preAuthEncoder(payloadType)(body);
}

/** The same for many bodies of one type. */
export function preAuthEncoder(payloadType: string): (body: Uint8Array) => Uint8Array {
  const head = utf8Encode(`DSSEv1 ${utf8Encode(payloadType).length} ${payloadType} `);
  return (body) => {
    const length = `${body.length} `;
    const bodyAt = head.length + length.length;
    const whole = slab.take(bodyAt + body.length);
    whole.set(head);
    for (let i = 0; i < length.length; i++) whole[head.length + i] = length.charCodeAt(i);
    whole.set(body, bodyAt);
    return whole;
  };
}

/** undefined when `node` is not an envelope as described above. */
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

/** The envelope as JSON, in the standard base64 alphabet. */
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
  return keyid && signature?.length === 64 ? { keyid, signature } : undefined;
}

function textOf(node: JsonNode, key: string): string | undefined {
  const member = memberOf(node, key);
  return member?.kind === "string" ? member.value : undefined;
}

function bytesOf(node: JsonNode, key: string): Uint8Array | undefined {
  const text = textOf(node, key);
  return text === undefined ? undefined : base64Decode(text);
}
