/**
 * The approver's sockets that a reviewer looks at, each with the daemon that was met on it.
 *
 * An executor_id is kept for each socket at its first use, as ssh keeps the keys of hosts, and
 * another one there is refused. The file is one JSON object, socket path to executor_id, in the
 * approver's own state folder.
 */

import { dirname, join, resolve } from "node:path";
import { Reviewer } from "../../client/proposals/reviewer.ts";
import { isJsonObject, parseIJson, toValue } from "../../core/json/json.ts";
import type { DaemonFlags } from "../command.ts";
import { type Context, findSocket } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { unreadable } from "../terminal/input.ts";
import { writeWhole } from "../terminal/output.ts";

export interface ReviewSocket {
  readonly socketPath: string;
  readonly executorId: string;
  readonly reviewer: Reviewer;
}

/**
 * Opens the sockets, by default the configuration's. The caller closes the reviewers.
 * Throws UsageError where one is not the daemon that it was, or two have one executor_id.
 */
export async function openReviewSockets(
  context: Context,
  flags: DaemonFlags,
  sockets: readonly string[],
): Promise<readonly ReviewSocket[]> {
  const paths = sockets.length > 0
    ? sockets.map((path) => resolve(context.cwd, path))
    : [findSocket(context, flags, "approver")];
  const opened: ReviewSocket[] = [];
  for (const socketPath of new Set(paths)) {
    opened.push(await openReviewSocket(context, socketPath, opened));
  }
  return opened;
}

async function openReviewSocket(
  context: Context,
  socketPath: string,
  others: readonly ReviewSocket[],
): Promise<ReviewSocket> {
  const known = knownExecutor(context, socketPath);
  const reviewer = new Reviewer({
    socketPath,
    clock: context.clock,
    retry: { attempts: 1 },
  });
  const { executor_id: executorId } = await reviewer.describe();
  if (known !== undefined && known !== executorId) {
    throw new UsageError(
      `the daemon at ${socketPath} calls itself ${executorId}, and was ${known} before. ` +
        `Approve nothing until you know why; then remove its line from ${fileOf(context)}`,
    );
  }
  const twin = others.find((other) => other.executorId === executorId);
  if (twin !== undefined) {
    throw new UsageError(
      `${socketPath} and ${twin.socketPath} both call themselves ${executorId}: one approval ` +
        "would be good for both",
    );
  }
  if (known === undefined) rememberExecutor(context, socketPath, executorId);
  return { socketPath, executorId, reviewer };
}

/** Returns the executor_id that was met on a socket before; undefined at its first use. */
function knownExecutor(context: Context, socketPath: string): string | undefined {
  return readKnown(fileOf(context)).get(socketPath);
}

/** Remembers it, and says so. Throws UsageError where the file cannot be written. */
function rememberExecutor(context: Context, socketPath: string, executorId: string): void {
  const file = fileOf(context);
  const known = readKnown(file).set(socketPath, executorId);
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeWhole(file, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`);
  context.terminal.note(`${socketPath} is ${executorId}: remembered in ${file}`);
}

/** Where it is, for who has to mend it. */
function fileOf({ environment }: Context): string {
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
    throw unreadable(file, error);
  }
  const value = toValue(parseIJson(text));
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  return new Map(entries.map(([path, id]) => [path, String(id)]));
}
