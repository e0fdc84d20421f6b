/** The one owner of the wall clock. Everything else gets a Clock as an argument. */

/** Milliseconds since 1970, and milliseconds since the machine started (which no operator can set). */
export interface Clock {
  nowMs(): number;
  uptimeMs(): number;
}

/** A clock whose uptimes can be told from those of another start of the machine, or of another machine. */
export interface MachineClock extends Clock {
  /** Another after each start; empty where nobody knows. */
  bootId(): string;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  uptimeMs: () => Math.round(globalThis.process.getBuiltinModule("node:os").uptime() * 1000),
};

/** Uptimes come in whole seconds. */
export const UPTIME_STEP_MS = 1_000;

/**
 * A clock that never goes back: now is never before `markMs` (a mark the ledger kept) nor before anything it said
 * earlier, so that an approval that expired once stays expired when the wall clock is set back. It does not stand still
 * meanwhile either, or whatever expires would live as long as the wall clock is behind: it goes on with the uptime,
 * counted from when the wall clock was last right, whether anybody asked for the time since or not.
 */
export function monotonicClock(clock: MachineClock, markMs: number): MachineClock {
  let latest = markMs;
  let right = { ms: markMs, uptimeMs: clock.uptimeMs() };
  const nowMs = () => {
    const wallMs = clock.nowMs();
    const uptimeMs = clock.uptimeMs();
    const dueMs = right.ms + uptimeMs - right.uptimeMs;
    if (wallMs < latest || wallMs < dueMs - UPTIME_STEP_MS) return latest = Math.max(latest, dueMs);
    right = { ms: wallMs, uptimeMs };
    return latest = wallMs;
  };
  return { nowMs, uptimeMs: () => clock.uptimeMs(), bootId: () => clock.bootId() };
}
