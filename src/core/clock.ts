/** The one owner of the wall clock. Everything else gets a Clock as an argument. */

/** Milliseconds since 1970, and milliseconds since the machine started (which no operator can set). */
export interface Clock {
  nowMs(): number;
  uptimeMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now(), uptimeMs: uptimeClock(readUptimeMs) };

/** In whole seconds; to ask the kernel takes longer than everything else that tells the time. */
function readUptimeMs(): number {
  return Math.round(globalThis.process.getBuiltinModule("node:os").uptime() * 1000);
}

/** How long an answer of the kernel is counted on from. */
const COUNT_ON_MS = 1_000;
/** Wall clock and timer drift apart by less; more is a clock that was set, or a machine that slept. */
const DRIFT_MS = 50;

/**
 * Asks `read` once a second, and counts on from its answer with a timer. The timer stands still while the machine sleeps: the
 * wall clock shows that, and then `read` is asked again. What it says never goes back: that would be a reboot.
 */
export function uptimeClock(
  read: () => number,
  wallMs: () => number = () => Date.now(),
  timerMs: () => number = () => performance.now(),
): () => number {
  let latest = 0;
  let base: { readonly uptimeMs: number; readonly wallMs: number; readonly timerMs: number } | null = null;
  return () => {
    const [wall, timer] = [wallMs(), timerMs()];
    if (base !== null) {
      const passedMs = timer - base.timerMs;
      const drifted = Math.abs(wall - base.wallMs - passedMs) > DRIFT_MS;
      if (!drifted && passedMs < COUNT_ON_MS) {
        return latest = Math.max(latest, Math.floor(base.uptimeMs + passedMs));
      }
    }
    base = { uptimeMs: read(), wallMs: wall, timerMs: timer };
    return latest = Math.max(latest, base.uptimeMs);
  };
}

/** Uptimes come in whole seconds. */
const UPTIME_STEP_MS = 1_000;

/**
 * A clock that never goes back: now is never before `markMs` (a mark the ledger kept) nor before anything it said
 * earlier, so that an approval that expired once stays expired when the wall clock is set back. It does not stand still
 * meanwhile either, or whatever expires would live as long as the wall clock is behind: it goes on with the uptime,
 * counted from when the wall clock was last right, whether anybody asked for the time since or not.
 */
export function monotonicClock(clock: Clock, markMs: number): Clock {
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
  return { nowMs, uptimeMs: () => clock.uptimeMs() };
}
