/** Texts of checkpoints, as files hold them. */

import type { Context } from "../context.ts";
import { readText } from "../terminal/input.ts";

/**
 * An empty line after a signature ends a note; the one before the signatures does not (C2SP
 * signed-note). The daemon appends notes to `checkpoints.file` with such a line between them.
 */
const BETWEEN_NOTES = /(?<=^\u2014 .*\n)\n/m;

/** Returns the checkpoints in the order of the file, at least one text. Throws UsageError. */
export function readCheckpoints(context: Context, file: string): string[] {
  const text = readText(context, file);
  const notes = text.split(BETWEEN_NOTES).filter((note) => note !== "");
  return notes.length === 0 ? [text] : notes;
}
