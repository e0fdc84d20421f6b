/**
 * Tells why a commit failed: a full disk, which passes, or anything else, which does not.
 *
 * lmdb-js rejects with an error whose `commitError` is a promise that rejects with the cause. It
 * also rejects promises that it keeps to itself. Those would end the process, so they are taken
 * here.
 */

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

/** `leftBytes` returns what the commit would have left on the disk, or what is left now. */
export async function commitFailure(
  error: CommitError,
  leftBytes: () => number,
): Promise<"storage_full" | "ledger_unavailable"> {
  const cause = await causeOf(error);
  // LMDB reports a partial write as EIO, which is also the code of a failed flush
  const full = cause === ENOSPC || cause === EDQUOT || leftBytes() < FULL_BYTES;
  return full ? "storage_full" : "ledger_unavailable";
}

async function causeOf({ commitError }: CommitError): Promise<number | undefined> {
  const cause = commitError.then(() => undefined, (reason: unknown) => codeOf(reason));
  return await within(cause, CAUSE_MS);
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
