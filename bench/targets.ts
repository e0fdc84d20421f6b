/** What the figures have to reach, as ratios within one run. */

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
  const enforced = (clients: number, key: string) => figure("enforced", `echo, ${clients} clients`, key);
  const commits = (callers: number, key: string) =>
    figure("ceilings", `two durable commits, ${callers} callers`, key);
  const roundTrip = figure("ceilings", "executor round trip", "ms");
  const all: Target[] = [
    least("throughput at 16 / durable ceiling", enforced(16, "perSecond") / commits(16, "perSecond"), 0.3),
    least("throughput at 16 / OpenExec's 200/s", enforced(16, "perSecond") / OPENEXEC_PER_SECOND_AT_16, 12),
    most("p50 at 1 / (two commits + round trip)", enforced(1, "p50") / (commits(1, "ms") + roundTrip), 2),
    most("p99 / p50 at 16", enforced(16, "p99") / enforced(16, "p50"), 6),
    most(
      "demo / enforced, throughput at 16",
      figure("demo", "echo, 16 clients", "perSecond") / enforced(16, "perSecond"),
      1.3,
    ),
    least(
      "refusing a bad signature / executing, throughput at 16",
      figure("refusals", "bad signature, 16 clients", "perSecond") / enforced(16, "perSecond"),
      3,
    ),
    most(
      "fresh / reuse, p50 at 20 a second",
      figure("isolation", "fresh, 20 a second", "p50") / figure("isolation", "reuse, 20 a second", "p50"),
      2,
    ),
    least("audit, receipts a second", figure("growth", "audit", "perSecond"), 20_000),
    least("throughput, largest / smallest ledger", figure("growth", "largest / smallest", "throughput"), 0.9),
    most("p99, largest / smallest ledger", figure("growth", "largest / smallest", "p99"), 1.3),
    most("memory at the largest ledger, MB", figure("growth", "largest", "anonymousMB"), 250),
    most("ready at the largest ledger, ms", figure("growth", "largest", "readyMs"), 500),
  ].filter(({ value }) => !Number.isNaN(value));
  write("\ntargets\n");
  for (const { name, value, bound, target } of all) {
    const reached = bound === "at least" ? value >= target : value <= target;
    write(
      `  ${reached ? "reached" : "MISSED "}  ${name.padEnd(56)} ${rounded(value)} (${bound} ${target})\n`,
    );
  }
  return all;
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
