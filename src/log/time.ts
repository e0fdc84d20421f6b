/** Times in receipts: RFC 3339, UTC, exactly three decimals, as in 2026-01-31T23:59:59.000Z. */

const SHAPE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** `ms` since 1970, within the years 0 to 9999; throws RangeError outside. */
export function formatTime(ms: number): string {
  const text = new Date(ms).toISOString();
  if (!SHAPE.test(text)) throw new RangeError("a receipt's time must be within the years 0 to 9999");
  return text;
}

/** Milliseconds since 1970, or undefined for anything formatTime would not have written. */
export function parseTime(text: string): number | undefined {
  if (!SHAPE.test(text)) return undefined;
  const ms = Date.parse(text);
  // the last days of a short month, and 24:00, it takes for the days that follow
  return new Date(ms).getUTCDate() === Number(text.slice(8, 10)) ? ms : undefined;
}
