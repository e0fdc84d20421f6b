/**
 * Reads files that this program names itself: its configuration, keys, secrets, checkpoints.
 *
 * Invariant: no read waits for anybody. To open a pipe stops the whole thread until someone writes
 * into it, and a device may never end. Such a path is refused before it is opened.
 */

import { utf8Decode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";

/** None of these files is longer. */
const FILE_BYTES_MAX = 2 ** 24;

/** Throws a StartupError for what is no file or longer than 16 MiB, else what the runtime does. */
export function requireRegularFile(path: string): void {
  const { isFile, size } = Deno.statSync(path);
  if (!isFile) throw new StartupError(`${path} is no regular file`, "put a file there");
  if (size > FILE_BYTES_MAX) {
    throw new StartupError(`${path} is longer than 16 MiB`, "look what it is");
  }
}

/** Throws as requireRegularFile() does. */
export function readRegularFile(path: string): Uint8Array<ArrayBuffer> {
  requireRegularFile(path);
  return Deno.readFileSync(path);
}

/** Reads UTF-8. Throws a StartupError also for bytes that are none. */
export function readRegularText(path: string): string {
  const text = utf8Decode(readRegularFile(path));
  if (text === undefined) throw new StartupError(`${path} is not UTF-8`, "look what it is");
  return text;
}
