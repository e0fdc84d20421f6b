/**
 * Signed notes (C2SP signed-note): a text that ends in a newline, an empty line, and a line for
 * each signature; and verifier keys ("vkey", `NAME+KEYID+BASE64`), which name who signs them.
 * Witnesses cosign a note: C2SP tlog-cosignature, `cosignature/v1` (signature type 0x04). The
 * message that they sign starts with a header line of its own, so that neither a cosignature nor a
 * log's signature passes for the other.
 *
 * Nothing in a note is trusted until a signature by a key that the caller trusts was verified:
 * see checkpoint.ts.
 */

import {
  base64Decode,
  base64Encode,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
  utf8Encode,
} from "../core/bytes.ts";
import { isAdmissibleKey, verify } from "../core/keys/ed25519.ts";
import { sha256 } from "../core/sha.ts";

/** Signature types of C2SP signed-note: a log's own signature, and a witness's cosignature. */
export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export type NoteAlgorithm = typeof ED25519 | typeof COSIGNATURE;

export interface NoteKey {
  readonly name: string;
  readonly algorithm: NoteAlgorithm;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** At least one byte; its meaning depends on the key. */
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** The bytes that are signed, the final newline included. */
  readonly text: string;
  /** At least one. */
  readonly signatures: readonly NoteSignature[];
}

const NAME = /^[^\p{White_Space}+]+$/u;
const PUBLIC_KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** C2SP asks for at least 16. Anyone may add lines by unknown keys, so their number is bounded. */
const SIGNATURES_MAX = 100;
const NOTE_LENGTH_MAX = 1_000_000;
const DASH = "\u2014";

/** Whether `text` may name a key: it is not empty and holds neither a Unicode space nor a plus. */
export function isNoteName(text: string): boolean {
  return text.isWellFormed() && NAME.test(text);
}

/** Returns 4 bytes, which bind a signature to one key and to the rules of one type. */
export function noteKeyId({ name, algorithm, publicKey }: NoteKey): Uint8Array {
  const hash = sha256(utf8Encode(`${name}\n`), Uint8Array.of(algorithm), publicKey);
  return hash.slice(0, KEY_ID_BYTES);
}

export function formatVkey(key: NoteKey): string {
  const material = concatBytes(Uint8Array.of(key.algorithm), key.publicKey);
  return `${key.name}+${hexEncode(noteKeyId(key))}+${base64Encode(material)}`;
}

/** Returns undefined unless the key is admissible, of a type above, and its id is as written. */
export function parseVkey(text: string): NoteKey | undefined {
  const [name = "", id = "", ...rest] = text.split("+");
  const material = decodeStandardBase64(rest.join("+"));
  const keyId = hexDecode(id);
  if (!isNoteName(name) || keyId === undefined || material?.length !== 1 + PUBLIC_KEY_BYTES) {
    return undefined;
  }
  const [algorithm] = material;
  if (algorithm !== ED25519 && algorithm !== COSIGNATURE) return undefined;
  const key: NoteKey = { name, algorithm, publicKey: material.slice(1) };
  return equalBytes(noteKeyId(key), keyId) && isAdmissibleKey(key.publicKey) ? key : undefined;
}

export function formatSignedNote({ text, signatures }: SignedNote): string {
  const lines = signatures.map((signature) => `${formatSignatureLine(signature)}\n`);
  return `${text}\n${lines.join("")}`;
}

/** Returns undefined unless it is a signed note. Unknown signatures are kept and mean nothing. */
export function parseSignedNote(note: string): SignedNote | undefined {
  if (note.length > NOTE_LENGTH_MAX || !note.isWellFormed() || hasControl(note)) return undefined;
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0 || !note.endsWith("\n")) return undefined;
  const lines = note.slice(blank + 2).split("\n").slice(0, -1);
  const signatures = lines.map(parseSignatureLine).filter((signature) => signature !== undefined);
  if (lines.length === 0 || lines.length > SIGNATURES_MAX || signatures.length !== lines.length) {
    return undefined;
  }
  return { text: note.slice(0, blank + 1), signatures };
}

/** Formats one signature line, without its newline. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `${DASH} ${name} ${base64Encode(concatBytes(keyId, signature))}`;
}

/** Parses one signature line, without its newline. */
function parseSignatureLine(line: string): NoteSignature | undefined {
  const [dash, name = "", base64 = "", ...rest] = line.split(" ");
  const bytes = decodeStandardBase64(base64);
  if (dash !== DASH || rest.length > 0 || !isNoteName(name) || bytes === undefined) {
    return undefined;
  }
  if (bytes.length <= KEY_ID_BYTES) return undefined;
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** Returns the signatures that claim to be by `key`. A caller that trusts it must verify each. */
export function signaturesBy(note: SignedNote, key: NoteKey): readonly Uint8Array[] {
  const keyId = noteKeyId(key);
  return note.signatures
    .filter((signature) => signature.name === key.name && equalBytes(signature.keyId, keyId))
    .map(({ signature }) => signature);
}

/** Whether it holds an ASCII control character other than a newline. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}

/**
 * Decodes padded base64 (RFC 4648, section 4). Returns undefined for the other alphabet, missing
 * padding, and unused bits that are not zero, so that each value has one spelling.
 */
export function decodeStandardBase64(text: string): Uint8Array | undefined {
  const bytes = base64Decode(text);
  return bytes !== undefined && base64Encode(bytes) === text ? bytes : undefined;
}

/** Decodes the 32 bytes of a hash. */
export function decodeHash(text: string): Uint8Array | undefined {
  const hash = decodeStandardBase64(text);
  return hash?.length === 32 ? hash : undefined;
}

const DECIMAL = /^(?:0|[1-9][0-9]*)$/;

/** Decodes an ASCII decimal without leading zeroes, up to 2^53 - 1. */
export function decodeDecimal(text: string): number | undefined {
  const value = Number(text);
  return DECIMAL.test(text) && Number.isSafeInteger(value) ? value : undefined;
}

const TIME_BYTES = 8;

/** A witness: its name and its key. */
export type Witness = NoteKey & { readonly algorithm: typeof COSIGNATURE };

/** `absent`: the witness did not sign this note. `invalid`: a signature claims to be by it. */
export type CosignatureCheck =
  | { readonly status: "valid"; readonly timestampSeconds: number }
  | { readonly status: "absent" | "invalid" };

/** Parses a vkey of signature type 0x04. A log's own key is no witness. */
export function parseWitness(vkey: string): Witness | undefined {
  const key = parseVkey(vkey);
  return key?.algorithm === COSIGNATURE ? { ...key, algorithm: COSIGNATURE } : undefined;
}

/** Checks whether `witness` cosigned the checkpoint in this note, and when it did last. */
export function checkCosignature(note: SignedNote, witness: Witness): CosignatureCheck {
  const times = signaturesBy(note, witness).map((bytes) =>
    verifiedTime(note.text, bytes, witness.publicKey)
  );
  if (times.length === 0) return { status: "absent" };
  const valid = times.filter((time) => time !== undefined);
  if (valid.length < times.length) return { status: "invalid" };
  return { status: "valid", timestampSeconds: Math.max(...valid) };
}

/** Returns the bytes that a witness signs: two lines of its own, then the note's text. */
export function cosignedMessage(text: string, timestampSeconds: number): Uint8Array {
  return utf8Encode(`cosignature/v1\ntime ${timestampSeconds}\n${text}`);
}

/** Returns the seconds since 1970 of `timestamp (8 bytes, big-endian) || signature (64 bytes)`. */
function verifiedTime(text: string, bytes: Uint8Array, publicKey: Uint8Array): number | undefined {
  if (bytes.length !== TIME_BYTES + 64) return undefined;
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  if (!Number.isSafeInteger(time)) return undefined;
  return verify(bytes.subarray(TIME_BYTES), cosignedMessage(text, time), publicKey)
    ? time
    : undefined;
}
