/**
 * The fence: approvals issued before its second are refused (`approval_fenced`). A ledger that is
 * new or restored cannot know whether they were used: another one may have been here before it.
 *
 * Invariant: the fence is later than everything that a ledger before it consumed, and no daemon
 * listens before its second has begun. So it refuses nothing that is issued once the daemon is
 * ready, unless the approver's clock is behind.
 */

import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/wait.ts";

/**
 * Returns the second, since 1970, that begins after `nowMs`. Approvals are issued in whole seconds,
 * and one of this second may have been consumed already.
 */
export function fenceAfter(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 1;
}

/** Resolves once the fence's second has begun. */
export async function fenceReached(fenceSeconds: number, clock: Clock): Promise<void> {
  const waitMs = Math.min(fenceSeconds * 1000 - clock.nowMs(), 1000);
  if (waitMs > 0) await sleep(waitMs);
}
