/** The approver's sockets that a reviewer looks at, each with the daemon that was met on it. */

import { resolve } from "node:path";
import { Reviewer } from "../../client/proposals/reviewer.ts";
import type { DaemonFlags } from "../command.ts";
import { type Context, findSocket } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { fileOf, knownExecutor, rememberExecutor } from "./known_executors.ts";

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
