/** The one owner of the wall clock. Everything else gets a Clock as an argument. */

export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
}

/** A clock whose uptimes can be told from those of another start, or of another machine. */
export interface MachineClock extends Clock {
  /** Milliseconds since the machine started, which no operator can set. */
  uptimeMs(): number;
  /** Differs after each start of the machine; empty where it is unknown. */
  bootId(): string;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Uptimes are whole seconds, rounded up. Marks in the ledger are compared with them. */
export const UPTIME_STEP_MS = 1_000;

/** Two clocks that differ by more have not both gone on: one of them jumped. */
export const CLOCK_JUMP_MS = 3_600_000;

/**
 * Makes a clock that never goes back, so that an approval that expired once stays expired when the
 * wall clock is set back. It says nothing before `markMs`, a mark the ledger kept, or before
 * anything it said earlier.
 *
 * While the wall clock is behind, it goes on with the uptime since the wall clock was last right.
 * If it stood still, approvals would live for as long as the wall clock is behind. An uptime that
 * leaps while the wall clock goes on is not believed: it would end every approval.
 */
export function monotonicClock(clock: MachineClock, markMs: number): MachineClock {
  let latest = markMs;
  const seen = { wallMs: clock.nowMs(), uptimeMs: clock.uptimeMs() };
  const right = { wallMs: markMs, uptimeMs: seen.uptimeMs };
  const nowMs = () => {
    const wallMs = clock.nowMs();
    const uptimeMs = clock.uptimeMs();
    const leapMs = uptimeMs - seen.uptimeMs - (wallMs - seen.wallMs);
    if (wallMs >= seen.wallMs && leapMs > CLOCK_JUMP_MS) right.uptimeMs += leapMs;
    seen.wallMs = wallMs;
    seen.uptimeMs = uptimeMs;
    const dueMs = right.wallMs + uptimeMs - right.uptimeMs;
    if (wallMs < latest || wallMs < dueMs - UPTIME_STEP_MS) return latest = Math.max(latest, dueMs);
    right.wallMs = wallMs;
    right.uptimeMs = uptimeMs;
    return latest = wallMs;
  };
  return { nowMs, uptimeMs: () => clock.uptimeMs(), bootId: () => clock.bootId() };
}
