/**
 * Tells why a commit failed: a full disk, which passes, or anything else, which does not.
 *
 * lmdb-js rejects with an error whose `commitError` is a promise that rejects with the cause. It
 * also rejects promises that it keeps to itself. Those would end the process, so they are taken
 * here.
 */

import { ERRORS, Refusal } from "../../core/errors.ts";
import { within } from "../../core/wait.ts";
import { FULL_BYTES } from "../disk/free_space.ts";

const ENOSPC = 28;
const EDQUOT = 122;

/** How long to wait for the cause, which is normally there already. */
const CAUSE_MS = 1_000;

interface CommitError extends Error {
  readonly commitError: Promise<unknown>;
}

export function isCommitError(error: unknown): error is CommitError {
  return error instanceof Error && "commitError" in error && error.commitError instanceof Promise;
}

/**
 * Returns storage_full or ledger_unavailable, with the cause. `leftBytes` returns what the commit
 * would have left on the disk, or what is left now.
 */
export async function commitFailure(
  error: CommitError,
  leftBytes: () => number,
): Promise<Refusal> {
  const cause = await within(error.commitError.catch((reason: unknown) => reason), CAUSE_MS);
  const errno = codeOf(cause);
  // LMDB reports a partial write as EIO, which is also the code of a failed flush
  const full = errno === ENOSPC || errno === EDQUOT || leftBytes() < FULL_BYTES;
  const code = full ? "storage_full" : "ledger_unavailable";
  return new Refusal(code, ERRORS[code].help, { cause });
}

/** Returns the errno of an error that LMDB reported, if it has one. */
export function codeOf(reason: unknown): number | undefined {
  if (!(reason instanceof Error) || !("code" in reason)) return undefined;
  return typeof reason.code === "number" ? reason.code : undefined;
}

/** May be called often: the same listener is registered once. */
export function takeUnhandledCommitErrors(): void {
  globalThis.addEventListener("unhandledrejection", takeUnhandled);
}

function takeUnhandled(event: PromiseRejectionEvent): void {
  if (!isCommitError(event.reason)) return;
  event.preventDefault();
  event.reason.commitError.catch(() => {});
}
