/** Shows text that is longer than the terminal, a page at a time. */

import type { Terminal } from "./terminal.ts";

/**
 * Writes the lines to standard error and stops where the terminal is full. `title` is named at each
 * stop. Returns whether all was shown: false where the person had enough.
 */
export function showInPages(terminal: Terminal, lines: readonly string[], title: string): boolean {
  const rows = terminal.size()?.rows ?? Infinity;
  const perPage = Math.max(1, rows - 1);
  for (let from = 0; from < lines.length; from += perPage) {
    const page = lines.slice(from, from + perPage);
    for (const line of page) terminal.note(line);
    const shown = from + page.length;
    if (shown >= lines.length) return true;
    const answer = terminal.ask(
      `${title}: ${shown} of ${lines.length} lines; Enter shows more, q ends `,
    );
    if (answer === null || /^q/i.test(answer)) return false;
  }
  return true;
}
