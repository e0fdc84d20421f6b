import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OpenExecError, OpenExecUnreachable } from "../../src/client/mod.ts";
import { RETRY, waitBefore, withRetries } from "../../src/client/retry.ts";

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

describe("withRetries()", () => {
  const gone = new OpenExecUnreachable("none", "nobody answers", null);
  const lost = new OpenExecUnreachable("unknown", "it broke", null);

  /** What is thrown after attempts that end so. */
  async function after(...errors: readonly Error[]): Promise<unknown> {
    const policy = { attempts: errors.length, firstDelayMs: 0, maxDelayMs: 0 };
    const left = [...errors];
    const attempt = () => Promise.reject(left.shift());
    return await withRetries(attempt, policy, undefined).catch((error: unknown) => error);
  }

  test.each([
    ["nobody answers any more", [lost, gone, gone]],
    ["the daemon refuses more than it knows", [lost, refusal("never")]],
    ["a new approval would be wanted", [gone, lost, refusal("new_approval")]],
    ["an answer said so and the next does not come", [inFlight(), gone]],
  ])("says no less than unknown once an attempt may have run, and %s", async (_title, errors) => {
    expect(await after(...errors)).toMatchObject({
      name: "OpenExecUnreachable",
      effect: "unknown",
    });
  });

  test("says none where no attempt can have had an effect", async () => {
    expect(await after(gone, gone)).toBe(gone);
    const halted = refusal("same_request");
    expect(await after(gone, halted)).toBe(halted);
    expect(await after(halted, gone)).toBe(gone);
  });

  test("leaves an outcome that is known to be bad as it is", async () => {
    const inFlightStill = inFlight();
    expect(await after(lost, inFlightStill)).toBe(inFlightStill);
  });
});

function inFlight(): OpenExecError {
  return new OpenExecError({
    ...refusal("same_request"),
    detail: "",
    code: "execution_in_flight",
    effect: "unknown",
  });
}
