/**
 * Verifier keys of signed notes (C2SP signed-note, "vkey"): `NAME+KEYID+BASE64`, where KEYID is eight hex digits and the
 * base64 holds one byte for the signature type and the 32 bytes of an Ed25519 public key.
 */

import {
  base64Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
  utf8Encode,
} from "../core/bytes.ts";
import { isAdmissibleKey } from "../core/ed25519.ts";
import { sha256 } from "../core/sha.ts";
import { decodeStandardBase64 } from "./text_values.ts";

/** Signature types of C2SP signed-note: a log's own signature, and a witness's timestamped cosignature. */
export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export type NoteAlgorithm = typeof ED25519 | typeof COSIGNATURE;

export interface NoteKey {
  readonly name: string;
  readonly algorithm: NoteAlgorithm;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

const NAME = /^[^\p{White_Space}+]+$/u;
const KEY_BYTES = 32;

/** Whether `text` may be a key name: not empty, no Unicode space, no plus. */
export function isNoteName(text: string): boolean {
  return text.isWellFormed() && NAME.test(text);
}

/** 4 bytes: with the name they say which key signed and how, so no signature is tried under another's rules. */
export function noteKeyId({ name, algorithm, publicKey }: NoteKey): Uint8Array {
  return sha256(utf8Encode(`${name}\n`), Uint8Array.of(algorithm), publicKey).slice(0, 4);
}

export function formatVkey(key: NoteKey): string {
  const material = concatBytes(Uint8Array.of(key.algorithm), key.publicKey);
  return `${key.name}+${hexEncode(noteKeyId(key))}+${base64Encode(material)}`;
}

/** undefined unless well-formed, of a type above, with an admissible key whose id is the one written. */
export function parseVkey(text: string): NoteKey | undefined {
  const [name = "", id = "", ...rest] = text.split("+");
  const material = decodeStandardBase64(rest.join("+"));
  const keyId = hexDecode(id);
  if (!isNoteName(name) || keyId === undefined || material?.length !== 1 + KEY_BYTES) {
    return undefined;
  }
  const [algorithm] = material;
  if (algorithm !== ED25519 && algorithm !== COSIGNATURE) return undefined;
  const key: NoteKey = { name, algorithm, publicKey: material.slice(1) };
  return equalBytes(noteKeyId(key), keyId) && isAdmissibleKey(key.publicKey) ? key : undefined;
}
