/** What the operations of the ledger work on. */

import type { MachineClock } from "../core/clock.ts";
import { executionKey } from "./store/keys.ts";
import type { Grants } from "./grants.ts";
import type { GroupCommit } from "./store/group_commit.ts";
import type { Room } from "./disk/space.ts";
import type { SealedBodies } from "./vault/bodies.ts";
import type { Tables } from "./store/store.ts";

export interface LedgerParts {
  readonly tables: Tables;
  readonly commits: GroupCommit;
  readonly bodies: SealedBodies;
  readonly grants: Grants;
  readonly room: Room;
  /** Never before the ledger's mark. */
  readonly clock: MachineClock;
}

/** The key of an execution that we named ourselves; throws RangeError for anything but a UUIDv7. */
export function ownExecutionKey(id: string): Uint8Array {
  const key = executionKey(id);
  if (key === undefined) throw new RangeError("an execution's id is a UUIDv7");
  return key;
}
