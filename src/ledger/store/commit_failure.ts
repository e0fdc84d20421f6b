/**
 * Why a commit failed: a full disk, which passes, or anything else, which does not.
 *
 * lmdb-js rejects with an error whose `commitError` is a promise that rejects with the cause; it also rejects promises
 * that it hands to nobody, which would end the process, so those are taken here.
 */

import { within } from "../../core/within.ts";
import { FULL_BYTES } from "../disk/free_space.ts";

const ENOSPC = 28;
const EDQUOT = 122;

/** How long to wait for the cause, which normally is there already. */
const CAUSE_MS = 1_000;

interface CommitError extends Error {
  readonly commitError: Promise<unknown>;
}

export function isCommitError(error: unknown): error is CommitError {
  return error instanceof Error && "commitError" in error && error.commitError instanceof Promise;
}

/** `leftBytes`: what would have been left on the disk, or what is left now. */
export async function commitFailure(
  error: CommitError,
  leftBytes: () => number,
): Promise<"storage_full" | "ledger_unavailable"> {
  const cause = await causeOf(error);
  // a write that the disk took in part is reported as EIO, which is also what a failed flush is
  const full = cause === ENOSPC || cause === EDQUOT || leftBytes() < FULL_BYTES;
  return full ? "storage_full" : "ledger_unavailable";
}

async function causeOf({ commitError }: CommitError): Promise<number | undefined> {
  const cause = commitError.then(() => undefined, (reason: unknown) => codeOf(reason));
  return await within(cause, CAUSE_MS);
}

/** The errno of an error that LMDB reported, where it has one. */
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
