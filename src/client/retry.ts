/**
 * Retries: when the same request may be sent again, and how long to wait first.
 *
 * Invariants:
 * - Only a problem that says `retry: "same_request"` and a failed connection are retried. The same
 *   bytes go under the same nonce, which the ledger starts at most once.
 * - Once an attempt may have had an effect, nothing later says less.
 */

import { sleep } from "../core/wait.ts";
import { atLeastUnknown, isUnknown, mayPass, OpenExecError } from "./errors.ts";

export interface RetryPolicy {
  /** Attempts in all; 1 never retries. */
  readonly attempts: number;
  /** The first wait is at most this, each further one at most twice the one before. */
  readonly firstDelayMs: number;
  /** No wait is longer; a Retry-After beyond it ends the retries. */
  readonly maxDelayMs: number;
}

export const RETRY: RetryPolicy = { attempts: 5, firstDelayMs: 100, maxDelayMs: 5_000 };

/** Makes attempts until one succeeds, is refused for good, or the policy ends it. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  random: () => number = Math.random,
): Promise<T> {
  let mayHaveRun = false;
  for (let tried = 1;; tried++) {
    try {
      return await attempt();
    } catch (error) {
      mayHaveRun ||= isUnknown(error);
      const waitMs = tried < policy.attempts
        ? waitBefore(error, tried, policy, random())
        : undefined;
      if (waitMs === undefined) throw mayHaveRun ? atLeastUnknown(error) : error;
      await sleep(waitMs, signal);
    }
  }
}

/**
 * Returns the milliseconds to wait after the `tried`-th attempt, or undefined when there may be no
 * other. Half of the wait is random: clients that were refused together must not return together.
 */
export function waitBefore(
  error: unknown,
  tried: number,
  policy: RetryPolicy,
  random: number,
): number | undefined {
  if (!mayPass(error)) return undefined;
  const ceilingMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (tried - 1));
  const backoffMs = ceilingMs * (0.5 + random / 2);
  const askedMs = error instanceof OpenExecError ? error.retryAfterMs ?? 0 : 0;
  return askedMs > policy.maxDelayMs ? undefined : Math.max(askedMs, backoffMs);
}
