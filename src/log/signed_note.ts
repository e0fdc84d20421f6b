/**
 * Signed notes (C2SP signed-note): a text that ends in a newline, an empty line, and one line for each signature.
 *
 * Nothing here is trusted until a signature by a key that the caller trusts was verified: see checkpoint.ts.
 */

import { base64Encode, concatBytes, equalBytes } from "../core/bytes.ts";
import { isNoteName, type NoteKey, noteKeyId } from "./note_key.ts";
import { decodeStandardBase64 } from "./text_values.ts";

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** At least one byte; its meaning depends on the key. */
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** With its final newline: the bytes that are signed. */
  readonly text: string;
  /** At least one. */
  readonly signatures: readonly NoteSignature[];
}

/** The format asks for at least 16; anyone may add lines that nobody knows, so their number is bounded. */
const SIGNATURES_MAX = 100;
const NOTE_LENGTH_MAX = 1_000_000;
const KEY_ID_BYTES = 4;

/** undefined for anything that is no signed note; unknown signatures are kept and mean nothing. */
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

export function formatSignedNote({ text, signatures }: SignedNote): string {
  return `${text}\n${
    signatures.map((signature) => `${formatSignatureLine(signature)}\n`).join("")
  }`;
}

/** One signature line without its newline. */
export function parseSignatureLine(line: string): NoteSignature | undefined {
  const [dash, name = "", base64 = "", ...rest] = line.split(" ");
  const bytes = decodeStandardBase64(base64);
  if (dash !== "\u2014" || rest.length > 0 || !isNoteName(name) || bytes === undefined) {
    return undefined;
  }
  if (bytes.length <= KEY_ID_BYTES) return undefined;
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `\u2014 ${name} ${base64Encode(concatBytes(keyId, signature))}`;
}

/** The signatures that claim to be by `key`: same name and same id. Whoever trusts the key must verify every one. */
export function signaturesBy(note: SignedNote, key: NoteKey): readonly Uint8Array[] {
  const keyId = noteKeyId(key);
  return note.signatures
    .filter((signature) => signature.name === key.name && equalBytes(signature.keyId, keyId))
    .map(({ signature }) => signature);
}

/** ASCII control characters other than newline. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}
