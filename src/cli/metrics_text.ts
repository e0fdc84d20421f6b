/** What `openexec status` shows of the daemon's metrics: Prometheus text (exposition format 0.0.4) as the daemon writes it. */

export interface Measures {
  readonly attempts: readonly {
    readonly action: string;
    readonly code: string;
    readonly count: number;
  }[];
  /** Mean time an attempt spends at each station of its life. */
  readonly stations: readonly {
    readonly station: string;
    readonly count: number;
    readonly mean_ms: number;
  }[];
  readonly pruned_bodies: number;
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export function measuresIn(text: string): Measures {
  const samples = text.split("\n").flatMap(sampleOf);
  const named = (name: string) => samples.filter((sample) => sample.name === `openexec_${name}`);
  const label = ({ labels }: Sample, name: string) => labels.get(name) ?? "";
  const sums = new Map(
    named("station_seconds_sum").map((sample) => [label(sample, "station"), sample.value]),
  );
  return {
    attempts: named("attempts_total").map((sample) => ({
      action: label(sample, "action"),
      code: label(sample, "code"),
      count: sample.value,
    })),
    stations: named("station_seconds_count").filter(({ value }) => value > 0).map((sample) => {
      const station = label(sample, "station");
      const meanMs = 1000 * (sums.get(station) ?? NaN) / sample.value;
      return { station, count: sample.value, mean_ms: Math.round(meanMs * 1000) / 1000 };
    }),
    pruned_bodies: named("pruned_bodies_total")[0]?.value ?? 0,
  };
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

function sampleOf(line: string): Sample[] {
  const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || value === undefined) return [];
  const pairs = Array.from(
    labels.matchAll(LABEL),
    ([, key = "", text = ""]) => [key, unescaped(text)] as const,
  );
  return [{ name, labels: new Map(pairs), value: Number(value) }];
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => letter === "n" ? "\n" : letter);
}
