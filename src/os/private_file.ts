/**
 * Files that hold a private key, for this user alone (0600).
 *
 * Invariant: such a file gets its name when all of it is on disk. A crash leaves the older one, the
 * newer one or none, and never a part of one.
 */

import { basename, dirname } from "node:path";
import { utf8Encode, writeAllSync } from "../core/bytes.ts";
import { readRegularText } from "./regular_file.ts";
import { StartupError } from "../core/startup_error.ts";

const GROUP_OR_OTHERS = 0o077;

/** Returns null where there is none. Throws a StartupError for a file that others can open. */
export function readPrivateFile(path: string): string | null {
  let text;
  try {
    text = readRegularText(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  if (((Deno.statSync(path).mode ?? 0) & GROUP_OR_OTHERS) !== 0) {
    throw new StartupError(`${path} is open to others`, `chmod 600 ${path}`);
  }
  return text;
}

/** Returns false, and leaves the file as it is, where there is one: the first of several wins. */
export function createPrivateFile(path: string, text: string): boolean {
  const draft = writeDraft(path, text);
  try {
    Deno.linkSync(draft, path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  } finally {
    Deno.removeSync(draft);
  }
  flushFolder(path);
  return true;
}

function writeDraft(path: string, text: string): string {
  const draft = Deno.makeTempFileSync({ dir: dirname(path), prefix: `${basename(path)}.draft-` });
  using file = Deno.openSync(draft, { write: true });
  writeAllSync(file, utf8Encode(text));
  file.syncSync();
  return draft;
}

function flushFolder(path: string): void {
  using folder = Deno.openSync(dirname(path));
  folder.syncSync();
}
