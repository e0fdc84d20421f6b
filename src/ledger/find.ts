/** Looking executions up: by id, by nonce, by peer. */

import { damaged } from "./store/bytes.ts";
import { EXECUTION_KEYS, executionIdOf, executionKey, nonceKey, peerKey } from "./store/keys.ts";
import type { ExecutionRecord } from "./types.ts";
import { decodeExecution, type StoredExecution } from "./store/rows.ts";
import type { Tables } from "./store/store.ts";
import type { Range } from "./store/table.ts";

const UID_BYTES = 4;

export function findExecution(tables: Tables, id: string): StoredExecution | undefined {
  const key = executionKey(id);
  const row = key === undefined ? undefined : tables.executions.get(key);
  return row === undefined ? undefined : decodeExecution(id, row);
}

export function findByNonce(tables: Tables, nonce: string): StoredExecution | undefined {
  const key = tables.nonces.get(nonceKey(nonce));
  return key === undefined ? undefined : executionAt(tables, key);
}

/** Newest first, as their ids sort. An unknown `before` is a place like any other. */
export function list(
  tables: Tables,
  { uid, limit, before }: { uid: number | null; limit: number; before?: string },
): ExecutionRecord[] {
  const end = (before === undefined ? undefined : executionKey(before)) ?? EXECUTION_KEYS.end;
  const newestFirst = { reverse: true, limit };
  if (limit <= 0) return [];
  if (uid === null) {
    return recordsOf([
      ...tables.executions.range({ start: EXECUTION_KEYS.start, end, ...newestFirst }),
    ]);
  }
  const range: Range = {
    start: peerKey(uid, EXECUTION_KEYS.start),
    end: peerKey(uid, end),
    ...newestFirst,
  };
  return Array.from(
    tables.peers.keys(range),
    (key) => executionAt(tables, key.subarray(UID_BYTES)).record,
  );
}

/** Every execution still reserved: never more than were in flight. */
export function unsettled(tables: Tables): ExecutionRecord[] {
  return Array.from(
    tables.unsettled.keys(EXECUTION_KEYS),
    (key) => executionAt(tables, key).record,
  );
}

/** An index names it, so it is there, or the ledger is damaged. */
function executionAt(tables: Tables, key: Uint8Array): StoredExecution {
  const row = tables.executions.get(key);
  if (row === undefined) throw damaged();
  return decodeExecution(executionIdOf(key), row);
}

function recordsOf(rows: readonly { key: Uint8Array; value: Uint8Array }[]): ExecutionRecord[] {
  return rows.map(({ key, value }) => decodeExecution(executionIdOf(key), value).record);
}
