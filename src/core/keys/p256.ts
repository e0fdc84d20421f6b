/**
 * ECDSA over P-256 with SHA-256 (FIPS 186-5), as security keys and passkeys sign.
 *
 * Invariants: a public key is an uncompressed point of the curve, so that no key has two spellings.
 * r and s are 1 to n - 1. Both values of S are taken, for hardware does not choose: nothing may
 * depend on the bytes of a signature.
 *
 * This file and p256_sums.ts own @noble/curves. Nothing is in constant time: all of it is public.
 */

import {
  weierstrass,
  type WeierstrassPoint,
  type WeierstrassPointCons,
} from "@noble/curves/abstract/weierstrass.js";
import { bigEndian, hexEncode } from "../bytes.ts";
import { sha256 } from "../sha.ts";
import { type Multiples, multiplesOf, type Sum, sumOf } from "./p256_sums.ts";

/** 0x04, then x and y. */
const POINT_BYTES = 65;
const SCALAR_BYTES = 32;
/** r and s, each big-endian. */
const SIGNATURE_BYTES = 2 * SCALAR_BYTES;

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;

/** The curve of SP 800-186 section 3.2.1.3. */
const CURVE = {
  p: P,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  h: 1n,
  a: P - 3n,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  Gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  Gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

let made: WeierstrassPointCons<bigint> | undefined;

/** Makes the curve when it is first asked for: most processes never meet a key on it. */
function curve(): WeierstrassPointCons<bigint> {
  return made ??= weierstrass(CURVE);
}

/** Tells whether `publicKey` is the uncompressed encoding of a point of the curve. */
export function isPoint(publicKey: Uint8Array): boolean {
  return pointOf(publicKey) !== undefined;
}

/** Tells whether `signature` (64 bytes: r, s) over `message` is by `publicKey` (65 bytes). */
export function verifyP256(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  const key = keptKey(publicKey);
  if (key === undefined || signature.length !== SIGNATURE_BYTES) return false;
  const { Fn } = curve();
  const r = bigEndian(signature.subarray(0, SCALAR_BYTES));
  const s = bigEndian(signature.subarray(SCALAR_BYTES));
  if (!Fn.isValidNot0(r) || !Fn.isValidNot0(s)) return false;
  const inverse = Fn.inv(s);
  const ofBase = Fn.mul(Fn.create(bigEndian(sha256(message))), inverse);
  const ofKey = Fn.mul(r, inverse);
  const sum = sumOf([[baseMultiples(), ofBase], [key.multiples, ofKey]]);
  return sum === undefined ? isSlowSum(key.point, ofBase, ofKey, r) : hasX(sum, r);
}

/** Tells whether the sum's x is r modulo n: r itself, or r + n where that is below p. */
function hasX({ X, Z }: Sum, r: bigint): boolean {
  const { p, n } = CURVE;
  return [r, r + n].some((x) => x < p && (x * Z * Z - X) % p === 0n);
}

/** Adds by complete formulas, which are four times as slow. */
function isSlowSum(
  key: WeierstrassPoint<bigint>,
  ofBase: bigint,
  ofKey: bigint,
  r: bigint,
): boolean {
  const { Fn, BASE } = curve();
  const sum = BASE.multiplyUnsafe(ofBase).add(key.multiplyUnsafe(ofKey));
  return !sum.is0() && Fn.create(sum.x) === r;
}

/**
 * Returns r and s, 64 bytes in all, from two positive integers in their shortest two's complement,
 * as DER and SSH write them. Returns undefined for any other spelling, and for more than 32 bytes.
 */
export function scalarsOf(
  integers: readonly [r: Uint8Array, s: Uint8Array],
): Uint8Array | undefined {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  for (const [i, integer] of integers.entries()) {
    const [first = 0xff, second = 0] = integer;
    if (first > 0x7f || (first === 0 && second < 0x80)) return undefined;
    const magnitude = integer.subarray(first === 0 ? 1 : 0);
    if (magnitude.length > SCALAR_BYTES) return undefined;
    signature.set(magnitude, (i + 1) * SCALAR_BYTES - magnitude.length);
  }
  return signature;
}

function pointOf(publicKey: Uint8Array): WeierstrassPoint<bigint> | undefined {
  if (publicKey.length !== POINT_BYTES) return undefined;
  try {
    return curve().fromBytes(publicKey);
  } catch {
    return undefined;
  }
}

interface Key {
  readonly point: WeierstrassPoint<bigint>;
  readonly multiples: Multiples;
}

/** A table takes a third of a megabyte, and some milliseconds to fill. */
export const KEPT_MAX = 128;
const kept = new Map<string, Key | undefined>();

/** Fills the tables that a key's first signature would wait for, as long as there is room. */
export function prepareP256(publicKey: Uint8Array): void {
  if (kept.size < KEPT_MAX) keptKey(publicKey);
  baseMultiples();
}

/** Keeps the table of a key, for its first signature waits until it is filled. */
function keptKey(publicKey: Uint8Array): Key | undefined {
  const name = hexEncode(publicKey);
  if (kept.has(name)) return kept.get(name);
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= KEPT_MAX) kept.delete(oldest);
  const point = pointOf(publicKey);
  const key = point && { point, multiples: multiplesOf(curve(), point) };
  kept.set(name, key);
  return key;
}

let ofBase: Multiples | undefined;

function baseMultiples(): Multiples {
  return ofBase ??= multiplesOf(curve(), curve().BASE);
}
