import fc from "fast-check";
import { expect, test } from "vitest";
import { MetricsRegistry } from "../../src/telemetry/metrics.ts";
import { readExposition } from "./exposition.ts";

test("counters, gauges and histograms read as the exposition format wants them", () => {
  const registry = new MetricsRegistry();
  const counter = registry.counter("a_total", "Of\nlines \\ and more.", { kind: ["x", 'y"\\'] });
  registry.observed("b", "gauge", "Measured.", () => 1.5);
  registry.observed("c", "gauge", "Not there.", () => null);
  registry.info("d", "Fixed.", { version: "1" });
  const histogram = registry.histogram("e_seconds", "Spread.", [0.1, 1], { at: ["p"] });
  counter.add(1, { kind: "x" });
  counter.add(2, { kind: 'y"\\' });
  counter.add(1, { kind: "x" });
  histogram.observe(0.1, { at: "p" });
  histogram.observe(0.5, { at: "p" });
  histogram.observe(7, { at: "p" });
  expect(registry.render()).toBe(`# HELP a_total Of\\nlines \\\\ and more.
# TYPE a_total counter
a_total{kind="x"} 2
a_total{kind="y\\"\\\\"} 2
# HELP b Measured.
# TYPE b gauge
b 1.5
# HELP c Not there.
# TYPE c gauge
# HELP d Fixed.
# TYPE d gauge
d{version="1"} 1
# HELP e_seconds Spread.
# TYPE e_seconds histogram
e_seconds_bucket{at="p",le="0.1"} 1
e_seconds_bucket{at="p",le="1"} 2
e_seconds_bucket{at="p",le="+Inf"} 3
e_seconds_sum{at="p"} 7.6
e_seconds_count{at="p"} 3
`);
});

test("whatever is counted, the text is well-formed and nothing is lost", () => {
  const text = fc.string({ unit: "binary" });
  const names = fc.array(text, { minLength: 1, maxLength: 4 });
  const numbers = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 20 });
  fc.assert(fc.property(names, fc.array(text), numbers, (allowed, counted, seconds) => {
    const registry = new MetricsRegistry();
    const counter = registry.counter("a_total", "Counted.", { kind: allowed });
    const histogram = registry.histogram("b_seconds", "Timed.", [0.5, 5, 50], {});
    for (const kind of [...allowed, ...counted]) counter.add(1, { kind });
    for (const value of seconds) histogram.observe(value, {});
    const families = readExposition(registry.render());
    const samples = families.get("a_total")?.samples ?? [];
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(
      allowed.length + counted.length,
    );
    for (const { labels } of samples) expect([...allowed, "other"]).toContain(labels["kind"]);
    const count = families.get("b_seconds")?.samples.find(({ name }) => name === "b_seconds_count");
    expect(count?.value ?? 0).toBe(seconds.length);
  }));
});

test("labels that clients choose add at most one series to those declared", () => {
  const registry = new MetricsRegistry();
  const counter = registry.counter("a_total", "Counted.", {
    action: ["echo", "add"],
    code: ["ok"],
  });
  for (let i = 0; i < 10_000; i++) counter.add(1, { action: `made-up-${i}`, code: "ok" });
  counter.add(1, { action: "echo", code: "ok" });
  const samples = readExposition(registry.render()).get("a_total")?.samples ?? [];
  expect(samples.map(({ labels, value }) => [labels["action"], value])).toEqual([
    ["other", 10_000],
    [
      "echo",
      1,
    ],
  ]);
});
