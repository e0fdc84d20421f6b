/** The one owner of the wall clock. Everything else gets a Clock as an argument. */

/** Milliseconds since 1970, and milliseconds since the machine started (which no operator can set). */
export interface Clock {
  nowMs(): number;
  uptimeMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  uptimeMs: () => Math.round(globalThis.process.getBuiltinModule("node:os").uptime() * 1000),
};

/**
 * A clock that never goes back: now is never before `markMs` (a mark the ledger kept) nor before anything it said
 * earlier, so that an approval that expired once stays expired when the wall clock is set back.
 */
export function monotonicClock(clock: Clock, markMs: number): Clock {
  let latest = markMs;
  return {
    nowMs: () => latest = Math.max(latest, clock.nowMs()),
    uptimeMs: () => clock.uptimeMs(),
  };
}
