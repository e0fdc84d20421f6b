import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBuckets } from "../../src/server/admission/admission.ts";

test("a key has a second's worth at once, then one by one, and no key takes another's", () => {
  let now = 0;
  const buckets = new TokenBuckets(4, () => now);
  expect([1, 2, 3, 4, 5].map(() => buckets.take(7))).toEqual([true, true, true, true, false]);
  expect(buckets.take(8)).toBe(true);
  now = 249;
  expect(buckets.take(7)).toBe(false);
  now = 251;
  expect([buckets.take(7), buckets.take(7)]).toEqual([true, false]);
});

test("0 is no limit", () => {
  const buckets = new TokenBuckets(0, () => 0);
  expect(Array.from({ length: 1000 }, () => buckets.take(1)).every(Boolean)).toBe(true);
});

test("over any stretch of time no key gets more than the rate and one burst", () => {
  const steps = fc.array(fc.tuple(fc.nat(400), fc.nat(1500)), { maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), steps, (rate, calls) => {
    let now = 0;
    let taken = 0;
    const buckets = new TokenBuckets(rate, () => now);
    for (const [wait, key] of calls) {
      now += wait;
      buckets.take(key + 2);
      if (buckets.take(1)) taken += 1;
    }
    expect(taken).toBeLessThanOrEqual(rate + now / 1000 * rate + 1e-6);
  }));
});
