/**
 * Cosignatures of witnesses: C2SP tlog-cosignature, `cosignature/v1` (signature type 0x04).
 *
 * The signed message starts with a header line of its own, so that neither a cosignature nor a
 * log's signature passes for the other.
 */

import { utf8Encode } from "../core/bytes.ts";
import { verify } from "../core/keys/ed25519.ts";
import { COSIGNATURE, type NoteKey, parseVkey, signaturesBy, type SignedNote } from "./note.ts";

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
