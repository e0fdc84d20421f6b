/**
 * Padding to Padmé lengths (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
 * PURBs", 2019, section 4): at most an eighth longer, and a length tells little of what is inside.
 *
 * Nothing is shorter than 256 bytes, since it is the short payloads that can be guessed.
 */

const BYTES_MIN = 256;
const HEAD_BYTES = 4;

/** The length, then `plaintext`, then zeros. */
export function padded(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(paddedLength(HEAD_BYTES + plaintext.length));
  new DataView(whole.buffer).setUint32(0, plaintext.length);
  whole.set(plaintext, HEAD_BYTES);
  return whole;
}

/** undefined when the length named does not fit. */
export function unpadded(whole: Uint8Array): Uint8Array | undefined {
  if (whole.length < HEAD_BYTES) return undefined;
  const length = new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  return HEAD_BYTES + length <= whole.length
    ? whole.subarray(HEAD_BYTES, HEAD_BYTES + length)
    : undefined;
}

export function paddedLength(length: number): number {
  if (length <= BYTES_MIN) return BYTES_MIN;
  const exponent = Math.floor(Math.log2(length));
  const keptBits = Math.floor(Math.log2(exponent)) + 1;
  const unit = 2 ** (exponent - keptBits);
  return Math.ceil(length / unit) * unit;
}
