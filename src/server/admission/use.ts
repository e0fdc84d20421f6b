/**
 * How much of the daemon's time the turns of one uid took lately, and how long it rests for them.
 */

/** A rest is so many times as long: what the kernel and others do for a turn is not counted. */
const REST = 2;
/** A timer does not tell less apart. */
export const REST_MS_MIN = 1;
/** A uid of which nothing began for so long waits for its handlers, or for nothing. */
export const AT_WORK_MS = 100;
const LATELY_MS = 500;

export interface Use {
  /** When something of it began last. */
  begunMs: number;
  /** Parts of turns that are not over: its turn of the event loop, and large work. */
  busy: number;
  /** How long its turns took, less by half with each LATELY_MS; of the time `countedMs`. */
  latelyMs: number;
  countedMs: number;
  /** How long its turns took since it rested. */
  owesMs: number;
  restsUntilMs: number;
}

export const UNUSED: Readonly<Use> = {
  begunMs: 0,
  busy: 0,
  latelyMs: 0,
  countedMs: 0,
  owesMs: 0,
  restsUntilMs: 0,
};

export function latelyMs(use: Use, nowMs: number): number {
  return use.latelyMs * 2 ** ((use.countedMs - nowMs) / LATELY_MS) + tookMs(use, nowMs);
}

/** How long it was busy since it was counted. */
function tookMs({ busy, countedMs }: Use, nowMs: number): number {
  return busy > 0 ? nowMs - countedMs : 0;
}

/** Counts how long it was busy. It owes a rest for that while another is behind, else none. */
export function count(use: Use, nowMs: number, isAnyBehind: boolean): void {
  use.owesMs = isAnyBehind ? use.owesMs + tookMs(use, nowMs) : 0;
  use.latelyMs = latelyMs(use, nowMs);
  use.countedMs = nowMs;
}

/** Begins the rest that it owes, once it is not busy. */
export function rest(use: Use, nowMs: number): void {
  if (use.busy > 0 || use.owesMs < REST_MS_MIN) return;
  use.restsUntilMs = Math.max(use.restsUntilMs, nowMs) + REST * use.owesMs;
  use.owesMs = 0;
}

/** When its rest may be over. The end of what keeps it busy is told by itself. */
export function restEndMs({ restsUntilMs }: Use, nowMs: number): number {
  return restsUntilMs > nowMs ? Math.min(restsUntilMs, nowMs + AT_WORK_MS) : Infinity;
}
