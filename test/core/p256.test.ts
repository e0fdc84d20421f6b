/** ECDSA over P-256, held against the runtime's own. */

import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import type { WeierstrassPoint } from "@noble/curves/abstract/weierstrass.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, utf8Encode } from "../../src/core/bytes.ts";
import { isPoint, scalarsOf, verifyP256 } from "../../src/core/keys/p256.ts";
import { multiplesOf, sumOf } from "../../src/core/keys/p256_sums.ts";
import { sha256 } from "../../src/core/sha.ts";

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const bytesOf = (scalar: bigint) => Uint8Array.fromHex(scalar.toString(16).padStart(64, "0"));

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
  const signed = (message: Uint8Array) =>
    Uint8Array.from(sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" }));
  return { point: spki.slice(26), sign: signed };
}

/** Whether the runtime takes it: for points that it loads at all. */
function byRuntime(signature: Uint8Array, message: Uint8Array, point: Uint8Array): boolean {
  const header = Uint8Array.fromBase64("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=");
  const spki = concatBytes(header, point);
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature);
}

describe("verifyP256() decides as the runtime does", () => {
  const keys = Array.from({ length: 3 }, newKey);

  test("on messages, keys and signatures that were changed or mixed up", () => {
    const which = fc.integer({ min: 0, max: 2 });
    const message = fc.uint8Array({ maxLength: 300 });
    const flip = fc.option(
      fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 7 })),
    );
    fc.assert(
      fc.property(
        which,
        which,
        message,
        message,
        flip,
        fc.boolean(),
        (a, b, one, two, at, same) => {
          const [by, of] = [keys[a] ?? newKey(), keys[same ? a : b] ?? newKey()];
          const signature = by.sign(one);
          if (at !== null) signature[at[0]] = (signature[at[0]] ?? 0) ^ (1 << at[1]);
          const asked = same ? one : two;
          expect(verifyP256(signature, asked, of.point)).toBe(
            byRuntime(signature, asked, of.point),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  test("on the other s of each signature", () => {
    for (const { point, sign } of keys) {
      const message = crypto.getRandomValues(new Uint8Array(40));
      const signature = sign(message);
      const s = BigInt(`0x${signature.subarray(32).toHex()}`);
      const other = concatBytes(signature.subarray(0, 32), bytesOf(N - s));
      expect(verifyP256(signature, message, point)).toBe(true);
      expect(verifyP256(other, message, point)).toBe(true);
      expect(byRuntime(other, message, point)).toBe(true);
    }
  });
});

describe("verifyP256() decides as the runtime does on what the holder of a key can make:", () => {
  const { Point } = p256;
  const { Fn } = Point;
  const message = utf8Encode("an approval");
  const hash = Fn.create(BigInt(`0x${sha256(message).toHex()}`));
  const scalars = (r: bigint, s: bigint) => concatBytes(bytesOf(r), bytesOf(s));

  /**
   * Returns a signature and its key, such that the base's part of the sum is `sign` times the
   * first multiple of the key that is added to it.
   *
   * For a secret k, parts u1 and u2, and a sum t = u1 + u2·k: u1 = sign·d·k with d the lowest
   * digit of u2, and u1 = hash·u2/r. So t = hash/r · (u2 + sign·u2²/d), to be solved for u2.
   */
  function meeting(sign: 1n | -1n) {
    for (let t = 2n;; t++) {
      const r = Fn.create(Point.BASE.multiplyUnsafe(t).x);
      const q = Fn.mul(t, Fn.mul(r, Fn.inv(hash)));
      for (let d = 1n; d <= 8n; d++) {
        // u2² + sign·d·u2 - sign·d·q = 0
        const discriminant = Fn.create(d * d + sign * 4n * d * q);
        const root = isSquare(discriminant) ? Fn.sqrt(discriminant) : undefined;
        if (root === undefined) continue;
        for (const each of [root, -root]) {
          const u2 = Fn.mul(Fn.create(each - sign * d), Fn.inv(2n));
          if (u2 % 256n !== d) continue;
          const u1 = Fn.mul(hash, Fn.mul(u2, Fn.inv(r)));
          const secret = Fn.mul(Fn.create(sign * u1), Fn.inv(d));
          const point = Point.BASE.multiplyUnsafe(secret).toBytes(false);
          return { signature: scalars(r, Fn.mul(r, Fn.inv(u2))), point };
        }
      }
    }
  }
  const isSquare = (value: bigint) => Fn.pow(value, (N - 1n) / 2n) === 1n;

  test.each([["its own point again", 1n], ["its own point's mirror", -1n]] as const)(
    "a sum that meets %s",
    (_, sign) => {
      const { signature, point } = meeting(sign);
      expect(byRuntime(signature, message, point)).toBe(true);
      expect(verifyP256(signature, message, point)).toBe(true);
      signature[63] = (signature[63] ?? 0) ^ 1;
      expect(verifyP256(signature, message, point)).toBe(false);
    },
  );

  test("a sum that meets its own point again, with another r", () => {
    const secret = 5n;
    const key = Point.BASE.multiplyUnsafe(secret);
    const [u1, u2] = [secret, 257n]; // u1·G is the key, which is added first
    const s = Fn.mul(hash, Fn.inv(u1));
    const signature = scalars(Fn.mul(u2, s), s);
    const rows = [Point.BASE, key].map((point) => multiplesOf(Point, point));
    expect(sumOf([[rows[0] ?? [], u1], [rows[1] ?? [], u2]])).toBeUndefined();
    expect(byRuntime(signature, message, key.toBytes(false))).toBe(false);
    expect(verifyP256(signature, message, key.toBytes(false))).toBe(false);
  });

  /** Returns the key that r and s are a signature by: Q = (s·R - hash·G) / r, for a sum R. */
  const signedBy = (r: bigint, s: bigint, sum: WeierstrassPoint<bigint>) =>
    sum.multiplyUnsafe(s).subtract(Point.BASE.multiplyUnsafe(hash))
      .multiplyUnsafe(Fn.inv(Fn.create(r))).toBytes(false);

  test("an r that is the sum's x less n, and no r from n on", () => {
    const sum = pointFrom(N);
    const [r, s] = [sum.x - N, 12345n];
    const point = signedBy(r, s, sum);
    expect(byRuntime(scalars(r, s), message, point)).toBe(true);
    expect(verifyP256(scalars(r, s), message, point)).toBe(true);
    expect(verifyP256(scalars(sum.x, s), message, point)).toBe(false);
  });

  test("an r that is the sum's x plus p less n", () => {
    const sum = pointFrom(5n);
    const [r, s] = [sum.x + P - N, 12345n];
    const point = signedBy(r, s, sum);
    expect(byRuntime(scalars(r, s), message, point)).toBe(false);
    expect(verifyP256(scalars(r, s), message, point)).toBe(false);
  });

  test("an r that is p less n, of a sum whose x is 0", () => {
    const sum = pointFrom(0n);
    expect(sum.x).toBe(0n);
    const [r, s] = [P - N, 12345n];
    const point = signedBy(r, s, sum);
    expect(byRuntime(scalars(r, s), message, point)).toBe(false);
    expect(verifyP256(scalars(r, s), message, point)).toBe(false);
  });

  test("an s that would fit fewer bytes", () => {
    const sum = Point.BASE.double();
    const signature = scalars(sum.x, 0x17n);
    const point = signedBy(sum.x, 0x17n, sum);
    expect(verifyP256(signature, message, point)).toBe(true);
    const short = concatBytes(signature.subarray(0, 32), signature.subarray(63));
    expect(verifyP256(short, message, point)).toBe(false);
  });

  test("a sum at infinity", () => {
    // u1 + u2·k = 0 with u1 = hash/s and u2 = r/s: k = -hash/r
    const r = 7n;
    const secret = Fn.mul(Fn.neg(hash), Fn.inv(r));
    const point = Point.BASE.multiplyUnsafe(secret).toBytes(false);
    expect(byRuntime(scalars(r, 5n), message, point)).toBe(false);
    expect(verifyP256(scalars(r, 5n), message, point)).toBe(false);
  });

  test("scalars at their bounds", () => {
    const key = newKey();
    for (const r of [1n, N - 1n, P - N]) {
      for (const s of [1n, 2n, N - 1n]) {
        expect(verifyP256(scalars(r, s), message, key.point))
          .toBe(byRuntime(scalars(r, s), message, key.point));
      }
    }
  });

  /** Returns the first point whose x is at least `from`. */
  function pointFrom(from: bigint) {
    for (let x = from;; x++) {
      try {
        return Point.fromBytes(concatBytes(Uint8Array.of(2), bytesOf(x)));
      } catch {
        continue; // no point of the curve has this x
      }
    }
  }
});

test("sumOf() gives up no sum that its formulas can add", () => {
  const { BASE } = p256.Point;
  const tables = [BASE, BASE.multiplyUnsafe(7n)].map((point) => multiplesOf(p256.Point, point));
  const [ofBase = [], ofOther = []] = tables;
  const { X, Z } = sumOf([[ofBase, 1234n], [ofOther, 99n]]) ?? { X: 0n, Z: 1n };
  const { x } = BASE.multiplyUnsafe(1234n + 7n * 99n);
  expect((x * Z * Z - X) % P).toBe(0n);
});

test("sumOf() gives up a sum at infinity", () => {
  const rows = multiplesOf(p256.Point, p256.Point.BASE);
  expect(sumOf([[rows, 0n]])).toBeUndefined();
  expect(sumOf([[rows, 5n], [rows, N - 5n]])).toBeUndefined();
});

describe("verifyP256() refuses", () => {
  const key = newKey();
  const message = Uint8Array.of(1, 2, 3);
  const good = key.sign(message);
  const [r, s] = [good.subarray(0, 32), good.subarray(32)];

  test.each([
    ["r of 0", concatBytes(bytesOf(0n), s)],
    ["s of 0", concatBytes(r, bytesOf(0n))],
    ["r of n", concatBytes(bytesOf(N), s)],
    ["s of n", concatBytes(r, bytesOf(N))],
    ["both of 0", new Uint8Array(64)],
    ["both of all ones", new Uint8Array(64).fill(0xff)],
    ["63 bytes", good.subarray(1)],
    ["65 bytes", Uint8Array.of(...good, 0)],
    ["none", new Uint8Array()],
  ])("a signature with %s", (_, signature) => {
    expect(verifyP256(signature, message, key.point)).toBe(false);
  });

  test("a key that is no point, though a signature was good for it", () => {
    expect(verifyP256(good, message, key.point.with(64, (key.point[64] ?? 0) ^ 1))).toBe(false);
  });
});

describe("scalarsOf()", () => {
  const one = Uint8Array.of(1);

  test.each([
    ["01", 1n],
    ["7f", 0x7fn],
    ["0080", 0x80n],
    ["7f80", 0x7f80n],
    ["7f".repeat(32), BigInt(`0x${"7f".repeat(32)}`)],
    [`00${"ff".repeat(32)}`, 2n ** 256n - 1n],
  ])("reads %s as r and as s", (hex, value) => {
    const integer = Uint8Array.fromHex(hex);
    expect(scalarsOf([integer, one])).toEqual(concatBytes(bytesOf(value), bytesOf(1n)));
    expect(scalarsOf([one, integer])).toEqual(concatBytes(bytesOf(1n), bytesOf(value)));
  });

  test.each([
    ["no byte", ""],
    ["zero", "00"],
    ["a negative one", "80"],
    ["a negative one of 32 bytes", "ff".repeat(32)],
    ["a zero that is not needed", "007f"],
    ["two zeros", "000080"],
    ["33 bytes", "7f".repeat(33)],
    ["33 bytes behind a zero", `00${"ff".repeat(33)}`],
  ])("refuses %s", (_, hex) => {
    const integer = Uint8Array.fromHex(hex);
    expect(scalarsOf([integer, one])).toBeUndefined();
    expect(scalarsOf([one, integer])).toBeUndefined();
  });
});

describe("isPoint()", () => {
  const { point } = newKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)];
  const compressed = Uint8Array.of(2 + ((y[31] ?? 0) & 1), ...x);

  test.each([
    ["a point", point, true],
    ["its mirror", concatBytes(point.subarray(0, 33), bytesOf(P - BigInt(`0x${y.toHex()}`))), true],
    ["a point off the curve", point.with(40, (point[40] ?? 0) ^ 1), false],
    ["the compressed form", compressed, false],
    ["the hybrid form", point.with(0, 6 + ((y[31] ?? 0) & 1)), false],
    ["infinity", Uint8Array.of(0), false],
    ["infinity, filled up", new Uint8Array(65), false],
    ["zeros", new Uint8Array(65).with(0, 4), false],
    ["x past the field", concatBytes(Uint8Array.of(4), bytesOf(P), y), false],
    ["y past the field", concatBytes(Uint8Array.of(4), x, bytesOf(P + 1n)), false],
    ["a byte too few", point.subarray(0, 64), false],
    ["a byte too many", Uint8Array.of(...point, 0), false],
  ])("%s", (_, bytes, expected) => expect(isPoint(bytes)).toBe(expected));
});
