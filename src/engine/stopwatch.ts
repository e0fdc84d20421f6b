/** Where the time of one attempt goes: microseconds per station, for the metrics and the log line. */

export type Station = "parse" | "replay" | "verify" | "check" | "reserve" | "run" | "settle";

export interface Stopwatch {
  /** Ends a station: the time since the one before it ended. */
  passed(station: Station): void;
  readonly micros: ReadonlyMap<Station, number>;
}

export function stopwatch(): Stopwatch {
  const micros = new Map<Station, number>();
  let since = performance.now();
  return {
    micros,
    passed(station) {
      const now = performance.now();
      micros.set(station, Math.round((now - since) * 1000));
      since = now;
    },
  };
}
