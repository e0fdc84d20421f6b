/** Files of checkpoints: one that somebody kept, or many, one after another, as the daemon appends them to `checkpoints.file`. */

import type { Cli } from "../command.ts";
import { readText } from "../terminal/input.ts";

/** An empty line that follows a signature ends a note; the one before the signatures does not (C2SP signed-note). */
const BETWEEN_NOTES = /(?<=^\u2014 .*\n)\n/m;

/** Texts of checkpoints in the order of the file; at least one, which may be none. Throws UsageError. */
export function readCheckpoints(cli: Cli, file: string): string[] {
  const text = readText(cli, file);
  const notes = text.split(BETWEEN_NOTES).filter((note) => note !== "");
  return notes.length === 0 ? [text] : notes;
}
