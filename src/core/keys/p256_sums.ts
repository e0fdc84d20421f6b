/**
 * Sums of multiples of points of P-256, from tables of the multiples of each.
 *
 * Invariant: a sum is right or undefined. Mixed addition of Jacobian and affine coordinates (Cohen,
 * Miyaji, Ono 1998) holds for two points whose x differ. Where a sum meets a point of its own x, it
 * is given up, and the caller has to add by formulas without exceptions. The holder of a private
 * key can make a signature that leads there.
 */

import { normalizeZ } from "@noble/curves/abstract/curve.js";
import type {
  AffinePoint,
  WeierstrassPoint,
  WeierstrassPointCons,
} from "@noble/curves/abstract/weierstrass.js";

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;

/** Bits of a scalar that are taken at once. */
const WINDOW = 5;
const HALF = 2 ** (WINDOW - 1);
/** They cover more than the scalar's 256 bits, so that the last one carries nothing over. */
const WINDOWS = Math.ceil(257 / WINDOW);

/** For each window, the point times 1 to HALF and times the window's weight. */
export type Multiples = readonly (readonly AffinePoint<bigint>[])[];

/** Fills the table of a point, which must not be the one at infinity. */
export function multiplesOf(
  curve: WeierstrassPointCons<bigint>,
  point: WeierstrassPoint<bigint>,
): Multiples {
  const rows: WeierstrassPoint<bigint>[][] = [];
  for (let first = point; rows.length < WINDOWS;) {
    const row = [first];
    let last = first;
    while (row.length < HALF) row.push(last = last.add(first));
    rows.push(normalizeZ(curve, row));
    first = last.double();
  }
  return rows.map((row) => row.map((each) => each.toAffine()));
}

/** A point in Jacobian coordinates: its x is X/Z². */
export interface Sum {
  readonly X: bigint;
  readonly Z: bigint;
}

/** Adds up the points times their scalars, each from 0 to 2^256 - 1. */
export function sumOf(terms: readonly (readonly [Multiples, bigint])[]): Sum | undefined {
  let [X, Y, Z] = [0n, 0n, 0n];
  for (const [rows, scalar] of terms) {
    for (const [i, digit] of digitsOf(scalar).entries()) {
      const point = rows[i]?.[Math.abs(digit) - 1];
      if (point === undefined) continue; // a digit of 0
      const [x, y] = [point.x, digit < 0 ? -point.y : point.y];
      if (Z === 0n) {
        [X, Y, Z] = [x, y, 1n];
        continue;
      }
      const ZZ = Z * Z % P;
      const H = (x * ZZ - X) % P;
      if (H === 0n) return undefined;
      const R = (y * Z % P * ZZ - Y) % P;
      const HH = H * H % P;
      const HHH = H * HH % P;
      const V = X * HH % P;
      X = (R * R - HHH - 2n * V) % P;
      Y = (R * (V - X) - Y * HHH) % P;
      Z = Z * H % P;
    }
  }
  return Z === 0n ? undefined : { X, Z };
}

const WIDTH = BigInt(WINDOW);
const MASK = (1n << WIDTH) - 1n;

/** Returns one digit a window, each from 1 - HALF to HALF, the lowest first. */
function digitsOf(scalar: bigint): readonly number[] {
  let rest = scalar;
  let carry = 0;
  return Array.from({ length: WINDOWS }, () => {
    const digit = Number(rest & MASK) + carry;
    rest >>= WIDTH;
    carry = digit > HALF ? 1 : 0;
    return digit - carry * 2 * HALF;
  });
}
