/** A witness that cosigns anything (C2SP tlog-cosignature). Real ones check consistency first. */

import { concatBytes } from "../../src/core/bytes.ts";
import { type SigningKey, signingKeyOf } from "../../src/core/keys/ed25519.ts";
import {
  COSIGNATURE,
  cosignedMessage,
  formatSignatureLine,
  noteKeyId,
  parseSignedNote,
  type Witness,
} from "../../src/log/note.ts";

export interface TestWitness extends SigningKey {
  readonly key: Witness;
}

export function witnessOf(name: string, seed: number): TestWitness {
  const signer = signingKeyOf(new Uint8Array(32).fill(seed));
  return { ...signer, key: { name, algorithm: COSIGNATURE, publicKey: signer.publicKey } };
}

/** The signature line, without its newline. */
export function cosign(checkpoint: string, witness: TestWitness, timestampSeconds: number): string {
  const { text } = parseSignedNote(checkpoint) ?? { text: "" };
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(timestampSeconds));
  const signature = concatBytes(time, witness.sign(cosignedMessage(text, timestampSeconds)));
  return formatSignatureLine({ name: witness.key.name, keyId: noteKeyId(witness.key), signature });
}

/** Puts a signature line under a note. */
export function attach(note: string, line: string): string {
  return `${note}${line}\n`;
}
