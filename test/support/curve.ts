/**
 * Ed25519 by hand, to make the signatures that no honest signer makes. Written on points, apart
 * from src/core/keys/ed25519.ts.
 */

import { createHash } from "node:crypto";
import { hashes, Point } from "@noble/ed25519";

export { Point };

hashes.sha512 = (message) => sha512(message);

export const L = Point.CURVE().n;
export const P = Point.CURVE().p;

/** The eight points whose order divides 8, from one of order 8. */
const GENERATOR_OF_TORSION = Point.fromHex(
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
);
export const TORSION: readonly Point[] = Array.from(
  { length: 7 },
  (_, i) => GENERATOR_OF_TORSION.multiply(BigInt(i + 1), false),
).concat(Point.ZERO);

export function littleEndian(value: bigint, length = 32): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number(value >> BigInt(8 * i) & 0xffn));
}

export function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value << 8n | BigInt(byte), 0n);
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha512").update(Buffer.concat(parts)).digest());
}

export interface Crafted {
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** The challenge, below L. */
  readonly k: bigint;
}

/**
 * S = r + k·a over a key and a nonce point that carry the given torsion: A = a·B + `keyTorsion`, R
 * = r·B + `nonceTorsion`. With both zero it is an ordinary signature.
 */
export function craft(
  a: bigint,
  r: bigint,
  message: Uint8Array,
  { keyTorsion = Point.ZERO, nonceTorsion = Point.ZERO }: {
    keyTorsion?: Point;
    nonceTorsion?: Point;
  } = {},
): Crafted {
  const publicKey = Point.BASE.multiply(a, false).add(keyTorsion).toBytes();
  const encodedR = Point.BASE.multiply(r, false).add(nonceTorsion).toBytes();
  const k = numberOf(sha512(encodedR, publicKey, message)) % L;
  const s = (r + k * a) % L;
  const signature = Uint8Array.from([...encodedR, ...littleEndian(s)]);
  return { signature, publicKey: Uint8Array.from(publicKey), message, k };
}

/**
 * What the definitions say, as slowly as they read: "strict" when the cofactorless equation holds
 * between canonical encodings of points that are not of small order and S < L; "cofactored" when
 * only 8·S·B = 8·R + 8·k·A does, or a point is of small order; "invalid" otherwise.
 */
export function judge(
  { signature, publicKey, message }: Omit<Crafted, "k">,
): "strict" | "cofactored" | "invalid" {
  const [A, R] = [pointOf(publicKey), pointOf(signature.subarray(0, 32))];
  const s = numberOf(signature.subarray(32));
  if (A === undefined || R === undefined || signature.length !== 64 || s >= L) return "invalid";
  const k = numberOf(sha512(signature.subarray(0, 32), publicKey, message)) % L;
  const difference = R.add(A.multiply(k, false)).subtract(Point.BASE.multiply(s, false));
  if (difference.is0() && !A.isSmallOrder() && !R.isSmallOrder()) return "strict";
  return difference.isSmallOrder() ? "cofactored" : "invalid";
}

function pointOf(encoded: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(encoded, false);
  } catch {
    return undefined;
  }
}
