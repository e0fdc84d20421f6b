/** The parts that the operations of the ledger share, and the way each of them writes. */

import type { MachineClock } from "../core/clock.ts";
import type { Approvals } from "./approvals.ts";
import type { StateLock } from "./disk/lock.ts";
import type { Space } from "./disk/space.ts";
import type { Identity } from "./identity.ts";
import type { GroupCommit, Work } from "./store/group_commit.ts";
import type { Store } from "./store/store.ts";
import type { Tables } from "./store/table.ts";
import type { SealedBodies } from "./vault/bodies.ts";
import type { Vault } from "./vault/keys.ts";

export interface LedgerParts {
  readonly identity: Identity;
  readonly lock: StateLock;
  readonly store: Store;
  readonly tables: Tables;
  readonly commits: GroupCommit;
  readonly space: Space;
  readonly vault: Vault;
  readonly bodies: SealedBodies;
  readonly approvals: Approvals;
  /** Never before the ledger's mark. */
  readonly clock: MachineClock;
}

/** How often an operator's act is tried on a full disk before it is refused. */
export const OPERATOR_ATTEMPTS = 3;

/**
 * Commits `work`, in up to `attempts` attempts while the disk is full. Resolves with what it
 * returned once that is on disk; rejects as it refused, or with storage_full or ledger_unavailable.
 */
export function write<T>(
  { space, commits }: LedgerParts,
  attempts: number,
  work: Work<T>,
): Promise<T> {
  return space.retryWhileFull(attempts, () => commits.add(work));
}
