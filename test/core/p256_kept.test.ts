/** The tables that verifyP256() keeps: how many are filled, and when. */

import { p256 } from "@noble/curves/nist.js";
import { expect, test, vi } from "vitest";
import { KEPT_MAX, prepareP256, verifyP256 } from "../../src/core/keys/p256.ts";
import { multiplesOf } from "../../src/core/keys/p256_sums.ts";

// empty tables: each sum is then made by the complete formulas
vi.mock("../../src/core/keys/p256_sums.ts", async (original) => ({
  ...await original<typeof import("../../src/core/keys/p256_sums.ts")>(),
  multiplesOf: vi.fn(() => []),
}));

const message = new Uint8Array(1);
const keys = Array.from({ length: KEPT_MAX + 40 }, (_, i) => {
  const secret = new Uint8Array(32).fill(1 + i);
  const signature = p256.sign(message, secret);
  return { point: p256.getPublicKey(secret, false), signature };
});

const filledBy = (act: () => void): number => {
  vi.mocked(multiplesOf).mockClear();
  act();
  return vi.mocked(multiplesOf).mock.calls.length;
};

test("a load fills as many tables as are kept, and a reload none again", () => {
  const load = () => {
    for (const { point } of keys) prepareP256(point);
  };
  expect(filledBy(load)).toBe(KEPT_MAX + 1); // and the base's
  expect(filledBy(load)).toBe(0);
});

test("a key that is not kept takes the place of one other", () => {
  const verify = ({ point, signature }: { point: Uint8Array; signature: Uint8Array }) => () =>
    expect(verifyP256(signature, message, point)).toBe(true);
  const [first, ...others] = keys.slice(0, KEPT_MAX).map(verify);
  expect(filledBy(() => keys.slice(KEPT_MAX, KEPT_MAX + 1).map(verify).forEach((act) => act())))
    .toBe(1);
  expect(filledBy(() => others.forEach((act) => act()))).toBe(0);
  expect(filledBy(() => first?.())).toBe(1);
});
