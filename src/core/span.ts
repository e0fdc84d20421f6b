/** Spans of time as people say them. */

/** Says how far a time is from now, in words: "in 4 min", "12 s ago". */
export function whenText(time: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(time) - nowMs) / 1000);
  if (!Number.isFinite(seconds)) return "at an unknown time";
  const span = spanText(Math.abs(seconds));
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}

/** Says a whole number of seconds, such as "34 s", "5 min" or "3 h". */
export function spanText(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
