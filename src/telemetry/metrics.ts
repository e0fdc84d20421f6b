/**
 * Counters, gauges and histograms, and their text for Prometheus (exposition format 0.0.4).
 *
 * Invariant: every label is declared with the values it may have, and any other value becomes
 * "other". So a client can grow neither the daemon's memory nor the number of time series.
 */

/** The values that each label may have besides "other", by its name. */
export type LabelValues = Readonly<Record<string, Iterable<string>>>;

type Labels<Names extends LabelValues> = { readonly [Name in keyof Names]: string };

/** Stands for every value that a label was not declared with. */
export const OTHER = "other";

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): Iterable<string>;
}

export class MetricsRegistry {
  readonly #families: Family[] = [];

  /** Returns the text for Prometheus, families in the order in which they were made. */
  render(): string {
    return this.#families.map((family) => {
      const help = family.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
      const head = `# HELP ${family.name} ${help}\n# TYPE ${family.name} ${family.type}\n`;
      return head + [...family.samples()].map((sample) => `${sample}\n`).join("");
    }).join("");
  }

  /** Adds a counter. `name` ends in `_total`. */
  counter<Names extends LabelValues>(name: string, help: string, labels: Names) {
    const domain = new LabelDomain(labels);
    const counts = new Map<string, number>();
    const samples = () => [...counts].map(([text, count]) => `${name}${braces(text)} ${count}`);
    this.#families.push({ name, help, type: "counter", samples });
    return {
      add(by: number, values: Labels<Names>): void {
        const text = domain.text(values);
        counts.set(text, (counts.get(text) ?? 0) + by);
      },
      count: (values: Labels<Names>): number => counts.get(domain.text(values)) ?? 0,
    };
  }

  /** Adds a number that is read at each rendering; null is left out. A counter only ever grows. */
  observed(name: string, type: "counter" | "gauge", help: string, read: () => number | null): void {
    const samples = () => {
      const value = read();
      return value === null ? [] : [`${name} ${value}`];
    };
    this.#families.push({ name, help, type, samples });
  }

  /** Adds a gauge of 1 whose labels say something that does not change. */
  info(name: string, help: string, labels: Readonly<Record<string, string>>): void {
    const text = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
      .join(",");
    this.#families.push({ name, help, type: "gauge", samples: () => [`${name}${braces(text)} 1`] });
  }

  /** Adds a distribution of seconds; `bounds` are upper ones, ascending. */
  histogram<Names extends LabelValues>(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: Names,
  ) {
    const domain = new LabelDomain(labels);
    const series = new Map<string, Distribution>();
    const samples = () =>
      [...series].flatMap(([text, distribution]) => distribution.samples(name, text));
    this.#families.push({ name, help, type: "histogram", samples });
    return {
      observe(value: number, values: Labels<Names>): void {
        const text = domain.text(values);
        let distribution = series.get(text);
        if (distribution === undefined) series.set(text, distribution = new Distribution(bounds));
        distribution.observe(value);
      },
      total: (values: Labels<Names>): Total => series.get(domain.text(values)) ?? NOTHING,
    };
  }
}

/** The label sets of one family, as text. Each label's text is made once. */
class LabelDomain {
  readonly #labels: readonly Label[];

  constructor(labels: LabelValues) {
    this.#labels = Object.entries(labels).map(([name, values]) => {
      const text = (value: string) => `${name}="${escaped(value)}"`;
      return {
        name,
        texts: new Map(Array.from(values, (value) => [value, text(value)])),
        other: text(OTHER),
      };
    });
  }

  text(values: Readonly<Record<string, string>>): string {
    return this.#labels.map(({ name, texts, other }) => texts.get(values[name] ?? OTHER) ?? other)
      .join(",");
  }
}

interface Label {
  readonly name: string;
  readonly texts: ReadonlyMap<string, string>;
  readonly other: string;
}

/** How many values a distribution holds, and what they add up to. */
interface Total {
  readonly count: number;
  readonly sum: number;
}

const NOTHING: Total = { count: 0, sum: 0 };

class Distribution implements Total {
  readonly #counts: number[];
  sum = 0;
  count = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
    const bucket = this.bounds.findIndex((bound) => value <= bound);
    const count = this.#counts[bucket];
    if (count !== undefined) this.#counts[bucket] = count + 1;
  }

  samples(name: string, text: string): string[] {
    const labelled = (le: string): string =>
      `${name}_bucket${braces([text, `le="${le}"`].filter(Boolean).join(","))}`;
    let below = 0;
    const buckets = this.bounds.map((bound, index) => {
      below += this.#counts[index] ?? 0;
      return `${labelled(String(bound))} ${below}`;
    });
    return [
      ...buckets,
      `${labelled("+Inf")} ${this.count}`,
      `${name}_sum${braces(text)} ${this.sum}`,
      `${name}_count${braces(text)} ${this.count}`,
    ];
  }
}

function braces(text: string): string {
  return text === "" ? "" : `{${text}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
