/** Times as OpenExec 0.1.10 writes them: Python's `datetime.isoformat()`, with or without an offset. */

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Milliseconds since 1970, with a fraction for microseconds; undefined when `text` is no such time or no such day exists.
 * A time without an offset is UTC.
 */
export function parseLegacyTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [
    ,
    year = "",
    month = "",
    day = "",
    hour = "",
    minute = "",
    second = "",
    fraction = "",
    zone = "Z",
  ] = match;
  if (
    !isDay(Number(year), Number(month), Number(day)) || !isClock(hour, minute) ||
    Number(second) > 59
  ) {
    return undefined;
  }
  const offsetMinutes = minutesOf(zone);
  if (offsetMinutes === undefined) return undefined;
  const utc = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return utc - offsetMinutes * 60_000 + Number(`0.${fraction || "0"}`) * 1000;
}

function minutesOf(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const [hours = "", minutes = ""] = zone.slice(1).split(":");
  if (!isClock(hours, minutes)) return undefined;
  return (Number(hours) * 60 + Number(minutes)) * (zone.startsWith("-") ? -1 : 1);
}

function isClock(hours: string, minutes: string): boolean {
  return Number(hours) < 24 && Number(minutes) < 60;
}

/** Years below 1970 are no time of an approval, and Date.UTC takes those below 100 for another century. */
function isDay(year: number, month: number, day: number): boolean {
  if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
  return Date.UTC(year, month - 1, day) < Date.UTC(year, month, 1); // the month has that many days
}
