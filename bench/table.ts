/** Rows as they are measured, printed as one table and kept as JSON. */

export interface Row {
  readonly section: string;
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
}

export class Table {
  readonly rows: Row[] = [];

  add(section: string, name: string, figures: Readonly<Record<string, number>>): void {
    if (this.rows.at(-1)?.section !== section) write(`\n${section}\n`);
    const text = Object.entries(figures).map(([figure, value]) => `${figure} ${rounded(value)}`);
    write(`  ${name.padEnd(44)} ${text.join("  ")}\n`);
    this.rows.push({ section, name, figures });
  }

  figure(section: string, name: string, figure: string): number {
    const row = this.rows.find((candidate) =>
      candidate.section === section && candidate.name === name
    );
    return row?.figures[figure] ?? NaN;
  }
}

export function rounded(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 1 ? value.toFixed(2) : value.toPrecision(3);
}

export function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
