/** ECDSA over P-256, held against the runtime's own. */

import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/core/bytes.ts";
import { isPoint, verifyP256 } from "../../src/core/keys/p256.ts";

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
