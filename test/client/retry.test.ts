import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenExecError, OpenExecUnreachable } from "../../src/client/mod.ts";
import { RETRY, waitBefore } from "../../src/client/retry.ts";

function refusal(
  retry: "never" | "same_request" | "new_approval",
  retryAfterMs: number | null = null,
) {
  return new OpenExecError({
    code: "halted",
    status: 503,
    detail: "",
    effect: "none",
    retry,
    execution: null,
    retryAfterMs,
  });
}

const tried = fc.integer({ min: 1, max: 40 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("waitBefore()", () => {
  test("waits longer each time, within bounds, and never the same for everybody", () => {
    fc.assert(fc.property(tried, random, (attempt, draw) => {
      const ceiling = Math.min(RETRY.maxDelayMs, RETRY.firstDelayMs * 2 ** (attempt - 1));
      const waitMs = waitBefore(refusal("same_request"), attempt, RETRY, draw) ?? NaN;
      expect(waitMs).toBeGreaterThanOrEqual(ceiling / 2);
      expect(waitMs).toBeLessThanOrEqual(ceiling);
    }));
    expect(waitBefore(refusal("same_request"), 1, RETRY, 0)).not.toBe(
      waitBefore(refusal("same_request"), 1, RETRY, 0.9),
    );
  });

  test("never comes back before Retry-After, and not at all where that is too long to wait", () => {
    fc.assert(
      fc.property(tried, random, fc.integer({ min: 0, max: 100_000 }), (attempt, draw, askedMs) => {
        const waitMs = waitBefore(refusal("same_request", askedMs), attempt, RETRY, draw);
        if (askedMs > RETRY.maxDelayMs) expect(waitMs).toBeUndefined();
        else expect(waitMs).toBeGreaterThanOrEqual(askedMs);
      }),
    );
  });

  test("is for refusals that say so and broken connections only", () => {
    expect(waitBefore(refusal("never"), 1, RETRY, 0)).toBeUndefined();
    expect(waitBefore(refusal("new_approval"), 1, RETRY, 0)).toBeUndefined();
    expect(waitBefore(new Error("a bug"), 1, RETRY, 0)).toBeUndefined();
    for (const effect of ["none", "unknown"] as const) {
      expect(waitBefore(new OpenExecUnreachable(effect, "", null), 1, RETRY, 0)).toBeGreaterThan(0);
    }
  });
});
