import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { verify, verifyPortably } from "../../src/core/keys/ed25519.ts";
import { nativeCrypto } from "../../src/core/sha.ts";
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

/** Every signature here is judged by the native path, by @noble/ed25519, and by the definitions: all must agree on each. */
const BATCHES = Number(Deno.env.get("OPENEXEC_BATCHES") ?? 3);
const PER_BATCH = 1000;

const seen = {
  mutated: 0,
  acceptedByBoth: 0,
  refusedByBoth: 0,
  acceptedOnlyByLenientVerifiers: 0,
  disagreements: 0,
};

afterAll(() => {
  const rows = Object.entries(seen).map(([what, count]) => `${String(count).padStart(8)}  ${what}`);
  process.stdout.write(
    `\n   count  signatures, native against @noble/ed25519\n${rows.join("\n")}\n`,
  );
});

const scalar = fc.bigInt({ min: 1n, max: L - 1n });
const torsion = fc.constantFrom(...TORSION);
const message = fc.uint8Array({ maxLength: 80 });
const none = fc.constant(Point.ZERO);

const honest = fc.record({ a: scalar, r: scalar, message, keyTorsion: none, nonceTorsion: none });
const mixedKey = fc.record({
  a: scalar,
  r: scalar,
  message,
  keyTorsion: torsion,
  nonceTorsion: none,
});
const mixedNonce = fc.record({
  a: scalar,
  r: scalar,
  message,
  keyTorsion: none,
  nonceTorsion: torsion,
});
const mixedBoth = fc.record({
  a: scalar,
  r: scalar,
  message,
  keyTorsion: torsion,
  nonceTorsion: torsion,
});
const crafted = fc.oneof({ weight: 3, arbitrary: honest }, mixedKey, mixedNonce, mixedBoth)
  .map(({ a, r, message, ...torsions }) => craft(a, r, message, torsions));

type Mutation = (crafted: Crafted, at: number) => Crafted;

const s = ({ signature }: Crafted) => numberOf(signature.subarray(32));
const join = (r: Uint8Array, end: Uint8Array) => Uint8Array.from([...r, ...end]);
const flip = (bytes: Uint8Array, at: number) =>
  bytes.map((byte, i) => i === Math.floor(at / 8) % bytes.length ? byte ^ 1 << at % 8 : byte);
const encodings = [0n, 1n, P - 1n, P, P + 1n, 1n << 255n, (1n << 255n) | 1n, (1n << 256n) - 1n].map(
  (y) => littleEndian(y),
)
  .concat(TORSION.map((point) => Uint8Array.from(point.toBytes())));
const anEncoding = (at: number) => encodings[at % encodings.length] ?? new Uint8Array(32);

const MUTATIONS: readonly Mutation[] = [
  (one) => one,
  (one, at) => ({ ...one, signature: flip(one.signature, at) }),
  (one, at) => ({ ...one, message: flip(one.message, at) }),
  (one, at) => ({ ...one, publicKey: flip(one.publicKey, at) }),
  (one) => ({ ...one, signature: join(one.signature.subarray(0, 32), littleEndian(s(one) + L)) }),
  (one) => ({
    ...one,
    signature: join(one.signature.subarray(0, 32), littleEndian((L - s(one)) % L)),
  }),
  (one, at) => ({ ...one, signature: join(anEncoding(at), one.signature.subarray(32)) }),
  (one, at) => ({ ...one, signature: join(anEncoding(at), littleEndian(0n)) }),
  (one, at) => ({ ...one, publicKey: anEncoding(at) }),
  (one, at) => ({
    ...one,
    publicKey: anEncoding(at),
    signature: join(anEncoding(at >> 4), littleEndian(0n)),
  }),
  (one, at) => ({ ...one, signature: one.signature.subarray(0, at % 64) }),
];

const sample = fc.tuple(crafted, fc.constantFrom(...MUTATIONS), fc.nat())
  .map(([one, mutation, at]) => mutation(one, at));

test("the runtime has cryptography of its own, or nothing below compares anything", () => {
  expect(nativeCrypto()).not.toBeNull();
});

test.each(Array.from({ length: BATCHES }, (_, i) => i + 1))(
  `native, noble and the definition agree on batch %i of ${PER_BATCH} mutated signatures`,
  () => {
    fc.assert(
      fc.property(sample, (one) => {
        const native = verify(one.signature, one.message, one.publicKey);
        const portable = verifyPortably(one.signature, one.message, one.publicKey);
        const defined = judge(one);
        seen.mutated++;
        if (native && portable) seen.acceptedByBoth++;
        if (!native && !portable) seen.refusedByBoth++;
        if (native !== portable) seen.disagreements++;
        if (defined === "cofactored") seen.acceptedOnlyByLenientVerifiers++;
        expect([native, portable]).toEqual([defined === "strict", defined === "strict"]);
      }),
      { numRuns: PER_BATCH },
    );
  },
  120_000,
);

test("the batches held signatures of every kind", () => {
  expect(seen.mutated).toBeGreaterThanOrEqual(BATCHES * PER_BATCH);
  expect(seen.acceptedByBoth).toBeGreaterThan(100);
  expect(seen.refusedByBoth).toBeGreaterThan(1000);
  expect(seen.acceptedOnlyByLenientVerifiers).toBeGreaterThan(100);
});
