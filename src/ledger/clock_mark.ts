/**
 * The mark of the clock: the latest time the ledger has seen, and what a jump of it means for pruning.
 *
 * Invariants:
 * - The mark never goes back, so that what expired once stays expired when the wall clock is set back.
 * - Time that ran ahead of the machine's uptime by more than an hour destroys nothing before an operator asks for it:
 *   a clock set forward by mistake must not take payloads with it.
 *
 * Uptime says nothing across a reboot, which shows as an uptime below the mark's: docs/decisions/clock-jumps.md.
 */

import { type Clock, UPTIME_STEP_MS } from "../core/clock.ts";
import type { LedgerState } from "./state.ts";

const JUMP_MS = 3_600_000;

/**
 * The earliest that it can be at start-up: the mark, and what the machine has certainly been up for since. So time does
 * not go back either when the daemon died before it could write down the latest, and the wall clock was set back.
 */
export function earliestNow(state: LedgerState, clock: Clock): number {
  const uptimeMs = clock.uptimeMs();
  const sinceMs = uptimeMs >= state.markUptimeMs ? uptimeMs - state.markUptimeMs : uptimeMs;
  return state.markMs + Math.max(0, sinceMs - UPTIME_STEP_MS);
}

/** Moves the mark to now and returns it; pauses pruning when the clock jumped. */
export function advanceMark(state: LedgerState, clock: Clock): number {
  const nowMs = Math.max(state.markMs, clock.nowMs());
  const uptimeMs = clock.uptimeMs();
  const sameBoot = state.markMs > 0 && uptimeMs >= state.markUptimeMs;
  const aheadMs = nowMs - state.markMs - (uptimeMs - state.markUptimeMs);
  if (sameBoot && aheadMs > JUMP_MS) state.pruningPaused = true;
  state.markMs = nowMs;
  state.markUptimeMs = uptimeMs;
  return nowMs;
}
