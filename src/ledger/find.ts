/** Looks executions up: by id, by nonce, by peer. */

import { damaged } from "./store/bytes.ts";
import { EXECUTION_KEYS, executionIdOf, executionKey, nonceKey, peerKey } from "./store/keys.ts";
import { decodeExecution, type StoredExecution } from "./store/rows.ts";
import type { Tables } from "./store/table.ts";
import type { ExecutionRecord, ListFilter } from "./types.ts";

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

/** Lists the newest first, as their ids sort. An unknown `before` is a place like any other. */
export function list(tables: Tables, { uid, limit, before }: ListFilter): ExecutionRecord[] {
  if (limit <= 0) return [];
  const { start } = EXECUTION_KEYS;
  const end = (before === undefined ? undefined : executionKey(before)) ?? EXECUTION_KEYS.end;
  const newestFirst = { reverse: true, limit };
  if (uid === null) {
    const rows = tables.executions.range({ start, end, ...newestFirst });
    return Array.from(rows, ({ key, value }) => decodeExecution(executionIdOf(key), value).record);
  }
  const keys = tables.peers.keys({
    start: peerKey(uid, start),
    end: peerKey(uid, end),
    ...newestFirst,
  });
  return Array.from(keys, (key) => executionAt(tables, key.subarray(UID_BYTES)).record);
}

/** Returns every execution still reserved: never more than were in flight. */
export function unsettled(tables: Tables): ExecutionRecord[] {
  const keys = tables.unsettled.keys(EXECUTION_KEYS);
  return Array.from(keys, (key) => executionAt(tables, key).record);
}

/** An index names the execution, so it is there, or the ledger is damaged. */
function executionAt(tables: Tables, key: Uint8Array): StoredExecution {
  const row = tables.executions.get(key);
  if (row === undefined) throw damaged();
  return decodeExecution(executionIdOf(key), row);
}
