/**
 * A strict reader of the Prometheus text format 0.0.4, for tests: it throws on anything the format does not allow.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface FamilyText {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (-?[0-9.e+-]+|[+-]Inf|NaN)$`,
);

export function readExposition(text: string): Map<string, FamilyText> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, FamilyText>();
  let current: [string, FamilyText] | null = null;
  const lines = text.slice(0, -1).split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const help = new RegExp(`^# HELP (${NAME}) (.*)$`).exec(line);
    if (help !== null) {
      const type = new RegExp(`^# TYPE ${help[1]} (counter|gauge|histogram)$`).exec(
        lines[++at] ?? "",
      );
      if (type === null) throw new Error(`no TYPE after ${line}`);
      if (families.has(help[1] ?? "")) throw new Error(`family twice: ${help[1]}`);
      current = [help[1] ?? "", { type: type[1] ?? "", help: help[2] ?? "", samples: [] }];
      families.set(...current);
      continue;
    }
    if (current === null) throw new Error(`a sample of no family: ${line}`);
    addSample(current, line);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function addSample([family, { type, samples }]: [string, FamilyText], line: string): void {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const name = match[1] ?? "";
  const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!suffixes.some((suffix) => name === family + suffix)) {
    throw new Error(`${name} stands in ${family}`);
  }
  const value = match[3] === "+Inf" ? Infinity : Number(match[3]);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  samples.push({ name, labels: labelsOf(match[2] ?? ""), value });
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (name in labels) throw new Error(`label twice: ${name}`);
    labels[name] = value.replace(
      /\\(.)/g,
      (_, character: string) => character === "n" ? "\n" : character,
    );
  }
  return labels;
}

function checkFamily(name: string, { type, samples }: FamilyText): void {
  const keys = samples.map((sample) =>
    sample.name + JSON.stringify(Object.entries(sample.labels).sort())
  );
  if (new Set(keys).size !== keys.length) throw new Error(`a sample of ${name} is there twice`);
  if (type === "counter" && !name.endsWith("_total")) {
    throw new Error(`a counter without _total: ${name}`);
  }
  if (type !== "histogram") return;
  for (
    const [key, buckets] of Map.groupBy(samples.filter((s) => s.name.endsWith("_bucket")), seriesOf)
  ) {
    const bounds = buckets.map(({ labels }) =>
      labels["le"] === "+Inf" ? Infinity : Number(labels["le"])
    );
    const ascending = (values: number[]) =>
      values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0));
    if (!ascending(bounds) || bounds.at(-1) !== Infinity) {
      throw new Error(`bounds of ${key} do not ascend to +Inf`);
    }
    if (!ascending(buckets.map(({ value }) => value))) {
      throw new Error(`buckets of ${key} do not add up`);
    }
    const count = samples.find((s) => s.name.endsWith("_count") && seriesOf(s) === key);
    if (count?.value !== buckets.at(-1)?.value) {
      throw new Error(`count of ${key} is not that of +Inf`);
    }
  }
}

function seriesOf({ labels }: Sample): string {
  return JSON.stringify(Object.entries(labels).filter(([name]) => name !== "le").sort());
}
