/**
 * Ed25519 (RFC 8032), strictly, in one place; sole owner of @noble/ed25519.
 *
 * A signature is accepted when the cofactorless equation S·B = R + k·A holds, S < L, and A and R
 * are canonical encodings of points that are not of small order. RFC 8032 leaves some of this open
 * and libraries differ. This file does not, so that two verifiers of an approval or a receipt
 * agree.
 *
 * The equation is checked natively where the runtime can, otherwise with @noble/ed25519, and the
 * same holds for signing. Which keys are admissible is decided by @noble/ed25519 alone, once per
 * key.
 */

import { getPublicKey, hashes, Point, sign as portableSign } from "@noble/ed25519";
import type { KeyObject } from "node:crypto";
import {
  base64Encode,
  base64UrlEncode,
  bigEndian,
  concatBytes,
  equalBytes,
  hexDecode,
  hexEncode,
} from "../bytes.ts";
import { type NativeCrypto, nativeCrypto, sha512 } from "../sha.ts";

hashes.sha512 = (message) => sha512(message);

const SIGNATURE_LENGTH = 64;

/** A private key, loaded once. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** Tells whether `publicKey` is the canonical encoding of a point that is not of small order. */
export function isAdmissibleKey(publicKey: Uint8Array): boolean {
  return admissiblePoint(publicKey) !== undefined;
}

/**
 * Tells whether `signature` (64 bytes) over `message` is by `publicKey` (32 bytes). Returns false
 * for wrong lengths and inadmissible keys.
 */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return isStrictShape(signature) && (equationOf(publicKey)?.(signature, message) ?? false);
}

/** Decides as `verify` does, by @noble/ed25519 alone: for browsers, and as a second opinion. */
export function verifyPortably(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return isStrictShape(signature) && (portableEquation(publicKey)?.(signature, message) ?? false);
}

/**
 * Returns a signature of 64 bytes, always the same for the same input (RFC 8032 section 5.1.6).
 * `seed` is 32 bytes; throws a RangeError otherwise.
 */
export function sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
  const native = nativeCrypto();
  if (native === null) return portableSign(message, seed);
  return new Uint8Array(native.sign(null, message, privateKeyOf(native, seed)));
}

/** Returns 32 bytes. `seed` is 32 bytes; throws a RangeError otherwise. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  const native = nativeCrypto();
  return native === null ? getPublicKey(seed) : publicBytesOf(native, privateKeyOf(native, seed));
}

/** Loads a key for many messages. `seed` is 32 bytes; throws a RangeError otherwise. */
export function signingKeyOf(seed: Uint8Array): SigningKey {
  const native = nativeCrypto();
  if (native === null) {
    const kept = Uint8Array.from(seed);
    return { publicKey: publicKeyOf(kept), sign: (message) => sign(message, kept) };
  }
  const key = privateKeyOf(native, seed);
  return {
    publicKey: publicBytesOf(native, key),
    sign: (message) => new Uint8Array(native.sign(null, message, key)),
  };
}

const SEED_LENGTH = 32;
/** The 16 bytes before the seed in PKCS #8 (RFC 8410 section 7). */
export const PKCS8_HEAD = bytesOf("302e020100300506032b657004220420");

/** The portable library takes 100 ms of processor for the first of these, and this takes two. */
function privateKeyOf(native: NativeCrypto, seed: Uint8Array): KeyObject {
  return native.createPrivateKey(pkcs8Pem(seed));
}

/** Returns a private key in PEM, as openssl-genpkey(1) does. Throws RangeError: not 32 bytes. */
export function pkcs8Pem(seed: Uint8Array): string {
  if (seed.length !== SEED_LENGTH) throw new RangeError("a seed has 32 bytes");
  const body = base64Encode(concatBytes(PKCS8_HEAD, seed));
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
}

function publicBytesOf(native: NativeCrypto, key: KeyObject): Uint8Array {
  const info = native.createPublicKey(key).export({ format: "der", type: "spki" });
  return Uint8Array.from(info.subarray(-32)); // the key stands last
}

// L and p, and the y of the eight points whose order divides the cofactor 8: 0, 1, -1 and the two
// of order eight. All are little-endian, as on the wire.
const L = bytesOf("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
const P = bytesOf("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
const SMALL_ORDER_Y = [
  bytesOf("0000000000000000000000000000000000000000000000000000000000000000"),
  bytesOf("0100000000000000000000000000000000000000000000000000000000000000"),
  bytesOf("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  bytesOf("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
  bytesOf("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
];

/**
 * Checks what needs no key: S < L, and R canonical and not of small order. The portable equation
 * compares R as bytes, which refuses another spelling of it. A runtime's own verifier may decode R
 * instead.
 */
function isStrictShape(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_LENGTH) return false;
  const r = signature.subarray(0, 32);
  return compare(signature.subarray(32), L) < 0 && compare(r, P, Y_MASK) < 0 &&
    !SMALL_ORDER_Y.some((y) => compare(r, y, Y_MASK) === 0);
}

/** The bits of the last byte of a point that belong to y: the highest is the sign of x. */
const Y_MASK = 0x7f;

/** Compares little-endian numbers of one length. `mask`: which bits of a's last byte count. */
function compare(a: Uint8Array, b: Uint8Array, mask = 0xff): number {
  const last = b.length - 1;
  for (let i = last; i >= 0; i--) {
    const byte = (a[i] ?? 0) & (i === last ? mask : 0xff);
    if (byte !== b[i]) return byte - (b[i] ?? 0);
  }
  return 0;
}

function bytesOf(hex: string): Uint8Array {
  return hexDecode(hex) ?? new Uint8Array();
}

function admissiblePoint(publicKey: Uint8Array): Point | undefined {
  try {
    const point = Point.fromBytes(publicKey, false);
    return point.isSmallOrder() ? undefined : point;
  } catch {
    return undefined;
  }
}

type Equation = (signature: Uint8Array, message: Uint8Array) => boolean;

const EQUATIONS_MAX = 1024;
const equations = new Map<string, Equation | undefined>();

/** Keeps the equation of a key: to admit one costs a point multiplication, and loading is slow. */
function equationOf(publicKey: Uint8Array): Equation | undefined {
  const name = hexEncode(publicKey);
  if (equations.has(name)) return equations.get(name);
  if (equations.size >= EQUATIONS_MAX) equations.clear();
  const equation = nativeEquation(publicKey) ?? portableEquation(publicKey);
  equations.set(name, equation);
  return equation;
}

function nativeEquation(publicKey: Uint8Array): Equation | undefined {
  const native = nativeCrypto();
  if (native === null || !isAdmissibleKey(publicKey)) return undefined;
  const jwk = { kty: "OKP", crv: "Ed25519", x: base64UrlEncode(publicKey) };
  const key = native.createPublicKey({ key: jwk, format: "jwk" });
  return (signature, message) => native.verify(null, message, key, signature);
}

/** Checks that S·B − k·A encodes to exactly the bytes of R: no cofactor, and R is not decoded. */
function portableEquation(publicKey: Uint8Array): Equation | undefined {
  const point = admissiblePoint(publicKey);
  if (point === undefined) return undefined;
  const key = Uint8Array.from(publicKey);
  return (signature, message) => {
    const r = signature.subarray(0, 32);
    const s = scalarOf(signature.subarray(32));
    const k = scalarOf(sha512(r, key, message)) % Point.CURVE().n;
    const expected = Point.BASE.multiply(s, false).subtract(point.multiply(k, false));
    return equalBytes(expected.toBytes(), r);
  };
}

function scalarOf(littleEndian: Uint8Array): bigint {
  return bigEndian(littleEndian.toReversed());
}
