/** Writes files that commands are asked for. */

import { UsageError } from "../exit_code.ts";

/** Writes a file that is there whole or not at all, in place of any other. Throws UsageError. */
export function writeWhole(path: string, text: string): void {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    Deno.writeTextFileSync(draft, text, { createNew: true, mode: 0o600 });
    Deno.renameSync(draft, path);
  } catch (error) {
    removeIfThere(draft);
    throw unwritable(path, error);
  }
}

/** The reason where a file cannot be written. */
export function unwritable(path: string, error: unknown): UsageError {
  return new UsageError(
    `${path} cannot be written: ${error instanceof Error ? error.name : "error"}`,
  );
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // it was never made
  }
}
