/**
 * The checkpoint kept elsewhere, held against the ledger at start.
 *
 * Invariant: a ledger that lacks what the anchor says it had does not start: it was rolled back or rewritten.
 */

import { equalBytes } from "../core/encoding.ts";
import { StartupError } from "../core/startup_error.ts";
import type { LogReader } from "../ledger/ledger.ts";
import { openCheckpoint } from "../log/checkpoint.ts";
import { rootOf } from "../log/tree.ts";

/** Throws StartupError unless the log contains everything the anchor's checkpoint covers; no anchor file yet is fine. */
export function checkAnchor(
  path: string,
  executorId: string,
  publicKeys: readonly Uint8Array[],
  log: LogReader,
): void {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const checkpoint = openCheckpoint(text, executorId, publicKeys);
  if (checkpoint === undefined) {
    throw new StartupError(
      `${path} is no checkpoint of this executor`,
      "look who wrote it; remove it only if it is not yours",
    );
  }
  const behind = checkpoint.size > log.size() || !equalBytes(rootOf(log, checkpoint.size), checkpoint.root);
  if (!behind) return;
  throw new StartupError(
    `the ledger lacks what the anchor ${path} says it had: it was rolled back or rewritten`,
    "bring back the newer ledger, or accept the loss with `openexec restore`, which fences off old approvals",
  );
}
