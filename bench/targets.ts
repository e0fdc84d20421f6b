/** What the figures have to reach, as ratios within one run. */

import { GROWN, GROWTH } from "./growth.ts";
import { BESIDE, BESIDES } from "./openexec.ts";
import { RATIO, RATIOS } from "./ratios.ts";
import { rounded, type Table, write } from "./table.ts";

const OPENEXEC_PER_SECOND_AT_16 = 200;

interface Target {
  readonly name: string;
  readonly value: number;
  readonly bound: "at least" | "at most";
  readonly target: number;
}

export function printTargets(table: Table): readonly Target[] {
  const figure = (section: string, name: string, key: string) => table.figure(section, name, key);
  const ratio = (name: string) => figure(RATIOS, name, "median");
  const grown = (name: string) => figure(GROWN, name, "median");
  const beside = (name: string) => figure(BESIDE, name, "median");
  const all: Target[] = [
    least(RATIO.ofCeiling, ratio(RATIO.ofCeiling), 0.3),
    least(
      "throughput at 16 / OpenExec's 200/s",
      ratio(RATIO.perSecond) / OPENEXEC_PER_SECOND_AT_16,
      12,
    ),
    most(BESIDES.alone, beside(BESIDES.alone), 0.6),
    least(BESIDES.throughput, beside(BESIDES.throughput), 8),
    most(RATIO.ofWaits, ratio(RATIO.ofWaits), 2),
    most(RATIO.tail, ratio(RATIO.tail), 6),
    most(RATIO.demo, ratio(RATIO.demo), 1.3),
    least(RATIO.refusing, ratio(RATIO.refusing), 3),
    most(RATIO.fresh, ratio(RATIO.fresh), 2),
    least("audit, receipts a second", figure("growth", "audit", "perSecond"), 20_000),
    least(GROWTH.throughput, grown(GROWTH.throughput), 0.9),
    most(GROWTH.p99, grown(GROWTH.p99), 1.3),
    most("memory at the largest ledger, MB", figure("growth", "largest", "anonymousMB"), 250),
    most("ready at the largest ledger, ms", figure("growth", "largest", "readyMs"), 1_000),
    most("commits of a proposal beyond those of a request", beyond(table), 1),
    most("memory of 1,000 waiting, MB", figure("waiting", MANY, "megabytes"), 30),
    most("processor of 1,000 waiting, share", figure("waiting", MANY, "processorShare"), 0.01),
    most("a page of 100 of 1,000, ms", figure("waiting", "a page of 100", "p50"), 20),
  ].filter(({ value }) => !Number.isNaN(value));
  write("\ntargets\n");
  for (const { name, value, bound, target } of all) {
    const reached = bound === "at least" ? value >= target : value <= target;
    write(
      `  ${reached ? "reached" : "MISSED "}  ${name.padEnd(56)} ${
        rounded(value)
      } (${bound} ${target})\n`,
    );
  }
  return all;
}

const MANY = "1000 waiting, 100 polls, 10 streams";

/** Durable commits of a proposal that is decided at once, beyond those of the same request. */
function beyond(table: Table): number {
  const count = (figure: string) => table.figure("waiting", "durable commits of one", figure);
  return count("proposed") - count("approved");
}

const least = (name: string, value: number, target: number): Target => ({
  name,
  value,
  bound: "at least",
  target,
});
const most = (name: string, value: number, target: number): Target => ({
  name,
  value,
  bound: "at most",
  target,
});
