/**
 * Counts what a campaign of forgeries tried and what held, and prints a table when the file's tests
 * are done.
 */

import { afterAll } from "vitest";

export interface Tally {
  count(what: string, verdict: "held" | "through"): void;
}

export function tally(title: string): Tally {
  const rows = new Map<string, { held: number; through: number }>();
  afterAll(() => {
    const lines = [...rows].map((
      [what, { held, through }],
    ) => [held + through, held, through, what]);
    const printed = [["tried", "held", "got through", title], ...lines].map((
      [tried, held, through, what],
    ) =>
      `${String(tried).padStart(8)} ${String(held).padStart(8)} ${
        String(through).padStart(12)
      }  ${what}`
    );
    process.stdout.write(`\n${printed.join("\n")}\n`);
  });
  return {
    count(what, verdict) {
      const row = rows.get(what) ?? { held: 0, through: 0 };
      row[verdict]++;
      rows.set(what, row);
    },
  };
}
