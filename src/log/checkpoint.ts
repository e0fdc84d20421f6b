/**
 * Checkpoints of the log (C2SP tlog-checkpoint): a tree head in a note that the executor signed,
 * with the origin `EXECUTOR_ID/log`.
 *
 * Invariant: only openCheckpoint makes a Checkpoint out of foreign text, once a signature by a key
 * that the caller trusts was verified. One that claims such a key and is false refuses the note.
 */

import { base64Encode, utf8Encode } from "../core/bytes.ts";
import { type SigningKey, verify } from "../core/keys/ed25519.ts";
import {
  decodeDecimal,
  decodeHash,
  ED25519,
  formatSignedNote,
  isNoteName,
  type NoteKey,
  noteKeyId,
  parseSignedNote,
  signaturesBy,
  type SignedNote,
} from "./note.ts";

export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Opaque lines after the root. openexec writes none. */
  readonly extensions: readonly string[];
}

export interface Checkpoint extends TreeHead {
  /** The executor's key that signed it, 32 bytes. */
  readonly signedBy: Uint8Array;
  /** The note it came in, with the cosignatures of witnesses. */
  readonly note: SignedNote;
}

/** Names the log in checkpoints, and the key that signs them. */
export function originOf(executorId: string): string {
  return `${executorId}/log`;
}

/** The key that signs this executor's checkpoints. formatVkey prints it for other tools. */
export function logKey(executorId: string, publicKey: Uint8Array): NoteKey {
  return { name: originOf(executorId), algorithm: ED25519, publicKey };
}

/** Signs a tree head. Throws RangeError for an executor id that no key name can hold. */
export function signCheckpoint(
  executorId: string,
  size: number,
  root: Uint8Array,
  signingKey: SigningKey,
): string {
  const key = logKey(executorId, signingKey.publicKey);
  if (!isNoteName(key.name)) throw new RangeError("an executor id holds neither space nor plus");
  const text = formatTreeHead({ origin: key.name, size, root, extensions: [] });
  const signature = signingKey.sign(utf8Encode(text));
  return formatSignedNote({
    text,
    signatures: [{ name: key.name, keyId: noteKeyId(key), signature }],
  });
}

/**
 * Returns the checkpoint in `text`, or undefined unless it is of this executor's log and signed by
 * one of `publicKeys` (32 bytes each).
 */
export function openCheckpoint(
  text: string,
  executorId: string,
  publicKeys: readonly Uint8Array[],
): Checkpoint | undefined {
  const note = parseSignedNote(text);
  const head = note === undefined ? undefined : parseTreeHead(note.text);
  if (note === undefined || head?.origin !== originOf(executorId)) return undefined;
  const message = utf8Encode(note.text);
  let signedBy: Uint8Array | undefined;
  for (const publicKey of publicKeys) {
    const signatures = signaturesBy(note, logKey(executorId, publicKey));
    if (!signatures.every((signature) => verify(signature, message, publicKey))) return undefined;
    if (signatures.length > 0) signedBy ??= publicKey;
  }
  return signedBy === undefined ? undefined : { ...head, signedBy, note };
}

export function formatTreeHead({ origin, size, root, extensions }: TreeHead): string {
  const lines = [origin, String(size), base64Encode(root), ...extensions];
  return lines.map((line) => `${line}\n`).join("");
}

/** Reads the tree head in a checkpoint. It vouches for nothing: openCheckpoint() does. */
export function unverifiedHead(checkpoint: string): TreeHead | undefined {
  return parseTreeHead(parseSignedNote(checkpoint)?.text ?? "");
}

/** Parses a note's text. It vouches for nothing until a signature on the note was verified. */
export function parseTreeHead(text: string): TreeHead | undefined {
  if (!text.endsWith("\n")) return undefined;
  const lines = text.slice(0, -1).split("\n");
  const [origin = "", sizeText = "", rootText = "", ...extensions] = lines;
  const size = decodeDecimal(sizeText);
  const root = decodeHash(rootText);
  if (lines.includes("") || size === undefined || root === undefined) return undefined;
  return { origin, size, root, extensions };
}
