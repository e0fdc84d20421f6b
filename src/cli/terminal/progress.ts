/**
 * How far a long command is: one line on standard error where that is a terminal, nothing
 * elsewhere.
 */

import type { Context } from "../context.ts";

export interface Progress {
  at(done: number): void;
  /** Takes the line away. */
  end(): void;
}

/** Often enough for a person, and seldom enough that an audit does not wait for its terminal. */
const SHOW_EVERY_MS = 100;

/** Counts entries up to `total`; null where nobody knows how many there are. */
export function startProgress(
  { terminal, clock }: Pick<Context, "terminal" | "clock">,
  total: number | null,
): Progress {
  let shownMs = -Infinity;
  return {
    at(done) {
      if (clock.nowMs() - shownMs < SHOW_EVERY_MS) return;
      shownMs = clock.nowMs();
      const share = total === null ? "" : ` of ${total} (${Math.floor((100 * done) / total)} %)`;
      terminal.progress(`entries: ${done}${share}`);
    },
    end: () => terminal.progress(null),
  };
}
