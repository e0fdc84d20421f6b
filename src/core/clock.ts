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
 * earlier, so that an approval that expired once stays expired when the wall clock is set back. It does not stand still
 * meanwhile either, or whatever expires would live as long as the wall clock is behind: it goes on with the uptime.
 */
export function monotonicClock(clock: Clock, markMs: number): Clock {
  let latest = markMs;
  let behind: { readonly fromMs: number; readonly uptimeMs: number } | undefined;
  const nowMs = () => {
    const wallMs = clock.nowMs();
    if (wallMs >= latest) {
      behind = undefined;
      return latest = wallMs;
    }
    behind ??= { fromMs: latest, uptimeMs: clock.uptimeMs() };
    return latest = Math.max(latest, behind.fromMs + clock.uptimeMs() - behind.uptimeMs);
  };
  return { nowMs, uptimeMs: () => clock.uptimeMs() };
}
