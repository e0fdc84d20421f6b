/**
 * Which daemon an approver has met on which socket, as ssh remembers hosts: an executor_id is kept
 * for each socket at its first use, and another one there is refused.
 *
 * The file is one JSON object, socket path to executor_id, in the approver's own state folder.
 */

import { dirname, join } from "node:path";
import { parseIJson, toValue } from "../../core/json/json.ts";
import { isJsonObject } from "../../client/json.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { writeWhole } from "../terminal/output.ts";

/** Returns the executor_id that was met on a socket before; undefined at its first use. */
export function knownExecutor(context: Context, socketPath: string): string | undefined {
  return readKnown(fileOf(context)).get(socketPath);
}

/** Remembers it, and says so. Throws UsageError where the file cannot be written. */
export function rememberExecutor(context: Context, socketPath: string, executorId: string): void {
  const file = fileOf(context);
  const known = readKnown(file).set(socketPath, executorId);
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeWhole(file, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`);
  context.terminal.note(`${socketPath} is ${executorId}: remembered in ${file}`);
}

/** Where it is, for who has to mend it. */
export function fileOf({ environment }: Context): string {
  const { xdgStateHome, home } = environment;
  if (xdgStateHome === null && home === null) {
    throw new UsageError("HOME is not set, so there is no place to remember daemons in");
  }
  const state = xdgStateHome ?? join(home ?? "", ".local/state");
  return join(state, "openexec-review/known_executors.json");
}

function readKnown(file: string): Map<string, string> {
  let text;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw new UsageError(
      `${file} cannot be read: ${error instanceof Error ? error.name : "error"}`,
    );
  }
  const value = toValue(parseIJson(text));
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return new Map(entries.map(([path, id]) => [path, String(id)]));
}
