/**
 * Lines of a terminal's width that begin with what is ours.
 *
 * Invariant: the terminal never has to wrap a line. If it did, text from outside would begin in its
 * first column, and could pass for a line of ours.
 */

/** Numbers each line; what did not fit goes on below, under a colon. `columns` null never wraps. */
export function numberedLines(lines: readonly string[], columns: number | null): string[] {
  const width = Math.max(4, String(lines.length).length + 2);
  return lines.flatMap((line, at) =>
    beginWith(`${String(at + 1).padStart(width)} | `, `${" ".repeat(width)} : `, line, columns)
  );
}

/** Makes `label   value`, the value in a column of its own: a digest fits into 80 columns. */
export function labelledLines(label: string, value: string, columns: number | null): string[] {
  const first = `${label.padEnd(LABEL_COLUMNS)} `;
  return beginWith(first, `${" ".repeat(LABEL_COLUMNS - 1)}: `, value, columns);
}

const LABEL_COLUMNS = 7;

/** Begins the first part of a line with `first`, and the others with `next`. */
function beginWith(
  first: string,
  next: string,
  text: string,
  columns: number | null,
): string[] {
  const parts = columns === null ? [text] : partsOf(text, Math.max(10, columns - first.length - 1));
  return parts.map((part, at) => `${at === 0 ? first : next}${part}`);
}

/** Cuts a text in parts that fit. A letter is never parted from its marks. */
function partsOf(text: string, columns: number): string[] {
  const parts: string[] = [];
  let [part, width] = ["", 0];
  for (const letter of text.match(/\P{M}\p{M}*|\p{M}+/gu) ?? []) {
    const wide = columnsOf(letter);
    if (width + wide > columns) {
      parts.push(part);
      [part, width] = ["", 0];
    }
    part += letter;
    width += wide;
  }
  return [...parts, part];
}

/**
 * Two columns for each letter that is not ASCII: few need them, and a line that ends early is no
 * harm.
 */
function columnsOf(letter: string): number {
  return /^[ -~]+$/.test(letter) ? letter.length : 2;
}
