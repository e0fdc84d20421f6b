/**
 * ECDSA over P-256 with SHA-256 (FIPS 186-5), as security keys and passkeys sign.
 *
 * Invariants: a public key is an uncompressed point of the curve, so that no key has two spellings.
 * r and s are 1 to n - 1. Both values of S are taken, for hardware does not choose: nothing may
 * depend on the bytes of a signature.
 *
 * The equation is the runtime's own. Where it has no `node:crypto`, as in a browser, nothing
 * verifies.
 */

import { base64UrlEncode, bigEndian } from "./bytes.ts";
import { nativeCrypto } from "./sha.ts";

/** 0x04, then x and y. */
const POINT_BYTES = 65;
const COORDINATE_BYTES = 32;
/** r and s, each big-endian. */
const SIGNATURE_BYTES = 2 * COORDINATE_BYTES;
const UNCOMPRESSED = 4;

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Tells whether `publicKey` is the uncompressed encoding of a point of the curve. */
export function isPoint(publicKey: Uint8Array): boolean {
  if (publicKey.length !== POINT_BYTES || publicKey[0] !== UNCOMPRESSED) return false;
  const x = bigEndian(publicKey.subarray(1, 1 + COORDINATE_BYTES));
  const y = bigEndian(publicKey.subarray(1 + COORDINATE_BYTES));
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n;
}

/** Tells whether `signature` (64 bytes: r, s) over `message` is by `publicKey` (65 bytes). */
export function verifyP256(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  const native = nativeCrypto();
  if (native === null || signature.length !== SIGNATURE_BYTES || !isPoint(publicKey)) return false;
  const isInRange = [0, COORDINATE_BYTES].every((at) => {
    const scalar = bigEndian(signature.subarray(at, at + COORDINATE_BYTES));
    return scalar > 0n && scalar < N;
  });
  if (!isInRange) return false;
  const [x, y] = [publicKey.subarray(1, 33), publicKey.subarray(33)].map(base64UrlEncode);
  const jwk = { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" };
  const key = native.createPublicKey({ key: jwk, format: "jwk" });
  return native.verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
}

/**
 * Returns r and s, 64 bytes in all, from two positive integers in their shortest two's complement,
 * as DER and SSH write them. Returns undefined for any other spelling, and for more than 32 bytes.
 */
export function scalarsOf(integers: readonly Uint8Array[]): Uint8Array | undefined {
  if (integers.length !== 2) return undefined;
  const signature = new Uint8Array(SIGNATURE_BYTES);
  for (const [i, integer] of integers.entries()) {
    const [first = 0xff, second = 0] = integer;
    if (first > 0x7f || (first === 0 && second < 0x80)) return undefined;
    const magnitude = integer.subarray(first === 0 ? 1 : 0);
    if (magnitude.length > COORDINATE_BYTES) return undefined;
    signature.set(magnitude, (i + 1) * COORDINATE_BYTES - magnitude.length);
  }
  return signature;
}
