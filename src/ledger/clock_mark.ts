/**
 * The mark of the clock: the latest time the ledger has seen, and what a jump of it means for pruning.
 *
 * Invariants:
 * - The mark never goes back, so that what expired once stays expired when the wall clock is set back.
 * - Time that ran ahead of the machine's uptime by more than an hour destroys nothing before an operator asks for it:
 *   a clock set forward by mistake must not take payloads with it.
 * - Only uptimes of one boot, by the kernel's id for it, show a jump. A mark of another boot, of another machine or of an
 *   unknown boot shows none: docs/decisions/clock-jumps.md.
 */

import { type MachineClock, UPTIME_STEP_MS } from "../core/clock.ts";
import type { LedgerState } from "./store/state.ts";

const JUMP_MS = 3_600_000;

/**
 * The earliest that it can be at start-up: the mark, and what the machine has certainly been up for since. So time does
 * not go back either when the daemon died before it could write down the latest, and the wall clock was set back.
 *
 * The uptime of another boot may be that of another machine, which has been up for longer than the ledger has existed. It
 * counts only where the wall clock is behind by more than an hour, and so was set back; else the wall clock is believed.
 */
export function earliestNow(state: LedgerState, clock: MachineClock): number {
  const isOfThisBoot = isMarkOfThisBoot(state, clock);
  if (!isOfThisBoot && clock.nowMs() >= state.markMs - JUMP_MS) return state.markMs;
  const uptimeMs = clock.uptimeMs();
  const longerMs = uptimeMs - state.markUptimeMs;
  const sinceMs = isOfThisBoot || longerMs >= 0 ? longerMs : uptimeMs;
  return state.markMs + Math.max(0, sinceMs - UPTIME_STEP_MS);
}

/** Moves the mark to now, or to `earliestMs` where that is later, and returns it; pauses pruning when the clock jumped. */
export function advanceMark(state: LedgerState, clock: MachineClock, earliestMs = 0): number {
  const nowMs = Math.max(state.markMs, earliestMs, clock.nowMs());
  const uptimeMs = clock.uptimeMs();
  const aheadMs = nowMs - state.markMs - (uptimeMs - state.markUptimeMs);
  if (isMarkOfThisBoot(state, clock) && aheadMs > JUMP_MS) state.pruningPaused = true;
  state.markMs = nowMs;
  state.markUptimeMs = uptimeMs;
  state.markBootId = clock.bootId();
  return nowMs;
}

function isMarkOfThisBoot({ markBootId }: LedgerState, clock: MachineClock): boolean {
  return markBootId !== "" && markBootId === clock.bootId();
}
