/** Why a ledger cannot be opened. It is said on the terminal, never to a peer. */

import { StartupError } from "../../core/startup_error.ts";

export type OpenErrorReason =
  /** Another daemon runs on this state directory. */
  | "in_use"
  /** There is no ledger, and the caller asked not to create one. */
  | "missing"
  /** The state directory belongs to another executor id or mode. */
  | "other_identity"
  /** A newer program wrote it. */
  | "newer_schema"
  /** An older program wrote it, and it may not be written to. */
  | "older_schema"
  /** The disk has no space to bring it up to date. */
  | "no_space"
  /** The data file is gone, cut short or corrupt. */
  | "damaged";

export class LedgerOpenError extends StartupError {
  /** `pid` is the daemon that holds the state directory, if it is known. */
  constructor(
    readonly reason: OpenErrorReason,
    what: string,
    remedy: string,
    readonly pid: number | null = null,
  ) {
    super(what, remedy);
  }
}

export function damagedLedger(what: string): LedgerOpenError {
  return new LedgerOpenError(
    "damaged",
    `The ledger is damaged: ${what}`,
    "keep it for examination, and bring back a backup with `openexec restore DIR`",
  );
}
