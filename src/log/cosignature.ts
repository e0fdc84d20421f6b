/**
 * Cosignatures of witnesses: C2SP tlog-cosignature, `cosignature/v1` (signature type 0x04).
 *
 * The signed message starts with its own header line, so that a cosignature is never a log's signature on some note, nor
 * the other way round.
 */

import { equalBytes, utf8Encode } from "../core/bytes.ts";
import { verify } from "../core/ed25519.ts";
import { COSIGNATURE, type NoteKey, parseVkey } from "./note_key.ts";
import {
  formatSignedNote,
  type NoteSignature,
  parseSignatureLine,
  parseSignedNote,
  signaturesBy,
  type SignedNote,
} from "./signed_note.ts";

const TIME_BYTES = 8;

/** A witness as configured: its name and key. */
export type Witness = NoteKey & { readonly algorithm: typeof COSIGNATURE };

/** `absent`: this witness said nothing of this note. `invalid`: something claims to be by it and is not. */
export type CosignatureCheck =
  | { readonly status: "valid"; readonly timestampSeconds: number }
  | { readonly status: "absent" | "invalid" };

/** Of a vkey with signature type 0x04; undefined for any other, a log's own key included. */
export function parseWitness(vkey: string): Witness | undefined {
  const key = parseVkey(vkey);
  return key?.algorithm === COSIGNATURE ? { ...key, algorithm: COSIGNATURE } : undefined;
}

/** Whether `witness` cosigned the checkpoint in this note, and when it did last. */
export function checkCosignature(note: SignedNote, witness: Witness): CosignatureCheck {
  const times = signaturesBy(note, witness).map((bytes) =>
    verifiedTime(note.text, bytes, witness.publicKey)
  );
  if (times.length === 0) return { status: "absent" };
  const valid = times.filter((time) => time !== undefined);
  if (valid.length < times.length) return { status: "invalid" };
  return { status: "valid", timestampSeconds: Math.max(...valid) };
}

/** What a witness signs: two lines of its own, then the note's text. */
export function cosignedMessage(text: string, timestampSeconds: number): Uint8Array {
  return utf8Encode(`cosignature/v1\ntime ${timestampSeconds}\n${text}`);
}

/**
 * The note with a witness's line attached, replacing an older line of the same key; undefined unless both are well-formed.
 * The line is not verified here: checkCosignature does, for those who know the witness.
 */
export function attachCosignature(text: string, line: string): string | undefined {
  const note = parseSignedNote(text);
  const added = parseSignatureLine(line.trimEnd());
  if (note === undefined || added === undefined) return undefined;
  const [own, ...others] = note.signatures;
  // The first line is the log's own; nobody replaces it.
  if (own === undefined || sameKey(own, added)) return undefined;
  const kept = others.filter((signature) => !sameKey(signature, added));
  return formatSignedNote({ text: note.text, signatures: [own, ...kept, added] });
}

function sameKey(a: NoteSignature, b: NoteSignature): boolean {
  return a.name === b.name && equalBytes(a.keyId, b.keyId);
}

/** Seconds since 1970, out of `timestamp (8 bytes, big-endian) || signature (64 bytes)`. */
function verifiedTime(text: string, bytes: Uint8Array, publicKey: Uint8Array): number | undefined {
  if (bytes.length !== TIME_BYTES + 64) return undefined;
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  if (!Number.isSafeInteger(time)) return undefined;
  return verify(bytes.subarray(TIME_BYTES), cosignedMessage(text, time), publicKey)
    ? time
    : undefined;
}
