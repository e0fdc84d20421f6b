/**
 * The checkpoint kept elsewhere, held against the ledger at start.
 *
 * Invariant: a ledger that lacks what the anchor says it had does not start: it was rolled back or rewritten.
 */

import { equalBytes } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import type { LogReader } from "../ledger/types.ts";
import { openCheckpoint } from "../log/checkpoint.ts";
import { parseReceiptKey } from "../log/keyid.ts";
import { decodeReceipt } from "../log/receipt.ts";
import { rootOf } from "../log/tree.ts";

/** Throws StartupError unless the log contains everything the anchor's checkpoint covers; no anchor file yet is fine. */
export function checkAnchor(
  path: string,
  executorId: string,
  publicKey: Uint8Array,
  log: LogReader,
): void {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const checkpoint = openCheckpoint(text, executorId, [publicKey]) ??
    openCheckpoint(text, executorId, [...keysIn(log)]);
  if (checkpoint === undefined) {
    throw new StartupError(
      `${path} is no checkpoint of this executor`,
      "look who wrote it; remove it only if it is not yours",
    );
  }
  const behind = checkpoint.size > log.size() ||
    !equalBytes(rootOf(log, checkpoint.size), checkpoint.root);
  if (!behind) return;
  throw new StartupError(
    `the ledger lacks what the anchor ${path} says it had: it was rolled back or rewritten`,
    "bring back the newer ledger; or accept the loss with `openexec restore`, which fences off old approvals, and set that file aside",
  );
}

/** A daemon that was killed after its key changed may have left an anchor by the key before: the whole log is read for it. */
function* keysIn(log: LogReader): Generator<Uint8Array> {
  for (let index = 0; index < log.size(); index++) {
    const leaf = log.leaf(index);
    const receipt = leaf === undefined ? undefined : decodeReceipt(leaf.body);
    const key = receipt?.kind === "key" ? parseReceiptKey(receipt.new_public_key) : undefined;
    if (key !== undefined) yield key;
  }
}
