/**
 * What is held against each other is measured in turn, in several rounds: a machine that others
 * share is half as fast a minute later, and a ratio of two figures from different minutes says more
 * about the machine than about either.
 */

import type { Table } from "./table.ts";

/** One round: ratios, or figures, by name. */
export type Round = Readonly<Record<string, number>>;

/** Adds a row for each name: the median of its rounds, the lowest and the highest. */
export async function inTurn(
  table: Table,
  section: string,
  measure: () => Promise<Round>,
  rounds = 7,
): Promise<void> {
  const measured: Round[] = [];
  while (measured.length < rounds) measured.push(await measure());
  for (const name of Object.keys(measured[0] ?? {})) {
    const sorted = measured.map((round) => round[name] ?? NaN).toSorted((a, b) => a - b);
    const at = (place: number) => sorted[Math.round((rounds - 1) * place)] ?? NaN;
    table.add(section, name, { median: at(0.5), lowest: at(0), highest: at(1) });
  }
}
