import { verify as lenientVerify } from "@noble/ed25519";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  isAdmissibleKey,
  publicKeyOf,
  sign,
  signingKeyOf,
  verify,
  verifyPortably,
} from "../../src/core/keys/ed25519.ts";
import { hexDecode, utf8Encode } from "../../src/core/bytes.ts";
import { sha256 } from "../../src/core/sha.ts";
import {
  craft,
  type Crafted,
  judge,
  L,
  littleEndian,
  numberOf,
  P,
  Point,
  TORSION,
} from "../support/curve.ts";

function bytes(hex: string): Uint8Array {
  const decoded = hexDecode(hex);
  if (decoded === undefined) throw new Error("not hex");
  return decoded;
}

/** Both paths must say the same, so every expectation here is of both. */
function verdicts({ signature, message, publicKey }: Omit<Crafted, "k">): readonly boolean[] {
  return [verify(signature, message, publicKey), verifyPortably(signature, message, publicKey)];
}

const ACCEPTED = [true, true];
const REFUSED = [false, false];

// RFC 8032 section 7.1: seed, public key, message, signature
const RFC_8032 = [
  [
    "TEST 1",
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "TEST 2",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "TEST 3",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
  [
    "TEST SHA(abc)",
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  ],
] as const;

describe("RFC 8032 vectors", () => {
  test.each(RFC_8032)("%s", (_, seed, publicKey, message, signature) => {
    expect(publicKeyOf(bytes(seed))).toEqual(bytes(publicKey));
    expect(sign(bytes(message), bytes(seed))).toEqual(bytes(signature));
    expect(signingKeyOf(bytes(seed)).sign(bytes(message))).toEqual(bytes(signature));
    expect(
      verdicts({
        signature: bytes(signature),
        message: bytes(message),
        publicKey: bytes(publicKey),
      }),
    ).toEqual(ACCEPTED);
  });
});

const MESSAGE = utf8Encode("a message");
const GOOD = craft(5n, 7n, MESSAGE);

function withSignature(r: Uint8Array, s: Uint8Array): Crafted {
  return { ...GOOD, signature: Uint8Array.from([...r, ...s]) };
}

describe("verify() refuses", () => {
  const r = GOOD.signature.subarray(0, 32);
  const s = GOOD.signature.subarray(32);

  test("nothing of a crafted signature that is an ordinary one", () => {
    expect(verdicts(GOOD)).toEqual(ACCEPTED);
  });

  test.each([
    ["S + L, the malleated twin", withSignature(r, littleEndian(numberOf(s) + L))],
    ["S = L", withSignature(r, littleEndian(L))],
    ["S with its highest bit set", withSignature(r, littleEndian(numberOf(s) | 1n << 255n))],
    ["an empty signature", { ...GOOD, signature: new Uint8Array() }],
    ["a signature of 63 bytes", { ...GOOD, signature: GOOD.signature.subarray(1) }],
    ["a signature of 65 bytes", { ...GOOD, signature: Uint8Array.from([...GOOD.signature, 0]) }],
    ["another message", { ...GOOD, message: utf8Encode("another message") }],
    ["another key", { ...GOOD, publicKey: craft(6n, 7n, MESSAGE).publicKey }],
    ["a key of 31 bytes", { ...GOOD, publicKey: GOOD.publicKey.subarray(1) }],
    ["a key that is no point", { ...GOOD, publicKey: littleEndian(2n) }],
    ["all zeros", {
      signature: new Uint8Array(64),
      message: MESSAGE,
      publicKey: new Uint8Array(32),
      k: 0n,
    }],
  ])("%s", (_, forged) => {
    expect(verdicts(forged)).toEqual(REFUSED);
  });

  test("a small-order R, though the equation holds", () => {
    // R = 0·B: S = k·a verifies everywhere that does not look at R
    const forged = craft(5n, 0n, MESSAGE);
    expect(judge(forged)).toBe("cofactored");
    expect(verdicts(forged)).toEqual(REFUSED);
  });

  test("every key of small order, with which one signature fits many messages", () => {
    for (const point of TORSION) {
      const publicKey = Uint8Array.from(point.toBytes());
      expect(isAdmissibleKey(publicKey)).toBe(false);
      // S·B = R + k·A with R = S·B − k·A, for whichever k the message gives: a forgery without any secret
      const forged = {
        ...GOOD,
        publicKey,
        signature: Uint8Array.from([...Point.BASE.toBytes(), ...littleEndian(1n)]),
      };
      expect(verdicts(forged)).toEqual(REFUSED);
    }
  });

  test("what only the cofactored equation accepts: torsion in R", () => {
    const forged = craft(5n, 7n, MESSAGE, { nonceTorsion: TORSION[0] ?? Point.ZERO });
    expect(lenientVerify(forged.signature, forged.message, forged.publicKey, { zip215: false }))
      .toBe(true);
    expect(verdicts(forged)).toEqual(REFUSED);
  });

  test("what only the cofactored equation accepts: torsion in the key", () => {
    const keyTorsion = TORSION[0] ?? Point.ZERO;
    const crafted = Array.from(
      { length: 64 },
      (_, i) => craft(5n, BigInt(i + 2), MESSAGE, { keyTorsion }),
    );
    for (const one of crafted) {
      expect(lenientVerify(one.signature, one.message, one.publicKey, { zip215: false })).toBe(
        true,
      );
      expect(verdicts(one)).toEqual(one.k % 8n === 0n ? ACCEPTED : REFUSED);
    }
    expect(crafted.some(({ k }) => k % 8n === 0n)).toBe(true);
  });
});

describe("isAdmissibleKey() refuses", () => {
  const sign255 = 1n << 255n;
  test.each([
    ["y = p, a second spelling of 0", P],
    ["y = p + 1, a second spelling of 1", P + 1n],
    ["y = 2^255 − 1", sign255 - 1n],
    ["minus zero as x, at y = 1", 1n | sign255],
    ["minus zero as x, at y = −1", P - 1n | sign255],
    ["a y that is on no point", 2n],
  ])("%s", (_, encoded) => {
    expect(isAdmissibleKey(littleEndian(encoded))).toBe(false);
  });

  test("every second spelling of a point on the curve", () => {
    const canonical = Array.from({ length: 19 }, (_, y) => BigInt(y)).filter((y) => isOnCurve(y));
    expect(canonical.length).toBeGreaterThan(4);
    for (const y of canonical) expect(isAdmissibleKey(littleEndian(y + P))).toBe(false);
  });

  function isOnCurve(y: bigint): boolean {
    try {
      return Point.fromBytes(littleEndian(y)).toBytes().length === 32;
    } catch {
      return false;
    }
  }
});

test("verify() leaves the signature as it was, also where it is a Buffer", () => {
  const negativeX = Array.from({ length: 16 }, (_, i) => craft(5n, BigInt(i + 2), MESSAGE))
    .find(({ signature }) => (signature[31] ?? 0) > 127) ?? GOOD;
  const buffer = Buffer.from(negativeX.signature);
  expect(verify(buffer, MESSAGE, negativeX.publicKey)).toBe(true);
  expect(Uint8Array.from(buffer)).toEqual(negativeX.signature);
});

test("verify() does not let a key that changes later change what was admitted", () => {
  const publicKey = Uint8Array.from(GOOD.publicKey);
  expect(verify(GOOD.signature, MESSAGE, publicKey)).toBe(true);
  publicKey.set(craft(6n, 7n, MESSAGE).publicKey);
  expect(verify(GOOD.signature, MESSAGE, publicKey)).toBe(false);
});

test("sign() and signingKeyOf() refuse a seed that is not 32 bytes", () => {
  for (const length of [0, 31, 33, 64]) {
    expect(() => sign(MESSAGE, new Uint8Array(length))).toThrow(RangeError);
    expect(() => signingKeyOf(new Uint8Array(length))).toThrow(RangeError);
  }
});

describe("without the runtime's cryptography, as in a browser", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.resetModules();
  });

  test("keys, signatures, verdicts and hashes are the same", async () => {
    vi.resetModules();
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    const { nativeCrypto } = await import("../../src/core/sha.ts");
    const portable = await import("../../src/core/keys/ed25519.ts");
    const { sha256: portableSha256 } = await import("../../src/core/sha.ts");
    expect(nativeCrypto()).toBeNull();

    const seed = sha256(MESSAGE);
    const signer = portable.signingKeyOf(seed);
    expect(signer.publicKey).toEqual(signingKeyOf(seed).publicKey);
    expect(signer.sign(MESSAGE)).toEqual(signingKeyOf(seed).sign(MESSAGE));
    expect(portable.verify(signer.sign(MESSAGE), MESSAGE, signer.publicKey)).toBe(true);
    expect(portable.verify(signer.sign(MESSAGE), seed, signer.publicKey)).toBe(false);
    expect(portableSha256(MESSAGE, seed)).toEqual(sha256(MESSAGE, seed));
  });
});
