/** Times in receipts: RFC 3339, UTC, three decimals, as in 2026-01-31T23:59:59.000Z. */

const SHAPE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Formats milliseconds since 1970. Throws RangeError outside the years 0 to 9999. */
export function formatTime(ms: number): string {
  const text = new Date(ms).toISOString();
  if (!SHAPE.test(text)) {
    throw new RangeError("a receipt's time must be within the years 0 to 9999");
  }
  return text;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The date parsed last. An audit parses ten times for each receipt, most of them of one day, and
 * Date.parse takes ten times as long as the rest.
 */
let known = { date: "1970-01-01", ms: 0 };

/** Returns milliseconds since 1970, or undefined for anything that formatTime does not write. */
export function parseTime(text: string): number | undefined {
  if (!SHAPE.test(text)) return undefined;
  const [hours, minutes, seconds] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const midnight = midnightOf(text.slice(0, 10));
  if (midnight === undefined) return undefined;
  const ms = twoDigits(text, 20) * 10 + digit(text, 22);
  return midnight + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS + ms;
}

function midnightOf(date: string): number | undefined {
  if (date === known.date) return known.ms;
  const ms = Date.parse(date);
  // Date.parse takes the 30th of February for the 1st or 2nd of March
  if (new Date(ms).getUTCDate() !== twoDigits(date, 8)) return undefined;
  known = { date, ms };
  return ms;
}

function twoDigits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1);
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - 0x30;
}
