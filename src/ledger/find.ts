/** Looks executions up: by id, by nonce, by peer. */

import { concatBytes, equalBytes } from "../core/bytes.ts";
import { damaged } from "./store/bytes.ts";
import {
  EXECUTION_KEYS,
  executionIdOf,
  executionKey,
  executionsIn,
  nonceKey,
  ownExecutionKey,
  peerKey,
  peerOf,
  spanOf,
  spanTextOf,
} from "./store/keys.ts";
import { decodeExecution, type StoredExecution, uidOf } from "./store/rows.ts";
import type { Row } from "./store/recent_rows.ts";
import type { Tables } from "./store/table.ts";
import type { ExecutionRecord, ListFilter } from "./types.ts";
import { allUnsettled, findUnsettled } from "./unsettled.ts";

export function findExecution(tables: Tables, id: string): StoredExecution | undefined {
  const key = executionKey(id);
  return key === undefined ? undefined : executionUnder(tables, key, id);
}

export function findByNonce(tables: Tables, nonce: string): StoredExecution | undefined {
  const key = tables.claims.get(nonceKey(nonce));
  return key === undefined ? undefined : executionAt(tables, key);
}

/** Lists the newest first, as their ids sort. An unknown `before` is a place like any other. */
export function list(tables: Tables, { uid, limit, before }: ListFilter): ExecutionRecord[] {
  if (limit <= 0) return [];
  const end = (before === undefined ? undefined : executionKey(before)) ?? EXECUTION_KEYS.end;
  const newestFirst = { start: EXECUTION_KEYS.start, end, reverse: true };
  const rows = uid === null
    ? tables.executions.range({ ...newestFirst, limit })
    : rowsOf(tables, uid, end);
  const endId = executionIdOf(end);
  const listed = unsettled(tables).filter(({ id, peer }) =>
    (uid === null || peer.uid === uid) && id < endId
  );
  let settled = 0;
  for (const { key, value } of rows) {
    listed.push(decodeExecution(executionIdOf(key), value).record);
    if (++settled === limit) break;
  }
  return listed.sort((a, b) => a.id < b.id ? 1 : -1).slice(0, limit);
}

/**
 * Yields the rows of one uid below `end`, the newest first. The index tells the spans of time that
 * have any; a span's rows are read to find those of the uid.
 */
function* rowsOf({ index, executions }: Tables, uid: number, end: Uint8Array): Generator<Row> {
  const newest = spanOf(end);
  const upToNewest = concatBytes(peerKey(uid, newest), Uint8Array.of(0));
  const spans = { start: peerKey(uid, spanOf(EXECUTION_KEYS.start)), end: upToNewest };
  for (const key of index.keys({ ...spans, reverse: true })) {
    const { span } = peerOf(key);
    const whole = executionsIn(span);
    const upTo = equalBytes(span, newest) ? { start: whole.start, end } : whole;
    for (const row of executions.range({ ...upTo, reverse: true })) {
      if (uidOf(row.value) === uid) yield row;
    }
  }
}

/** Returns every execution still reserved, the oldest first: never more than were in flight. */
export function unsettled(tables: Tables): ExecutionRecord[] {
  return allUnsettled(tables).map(({ stored }) => stored.record);
}

/** Says whether the index leads to an execution that has settled. It remembers the last span. */
export function peerIndex({ index }: Tables): (id: string, uid: number) => boolean {
  let place = "";
  let isThere = false;
  return (id, uid) => {
    const asked = `${uid} ${spanTextOf(id)}`;
    if (asked === place) return isThere;
    place = asked;
    return isThere = index.has(peerKey(uid, spanOf(ownExecutionKey(id))));
  };
}

/** A claim names the execution, so it is there, or the ledger is damaged. */
function executionAt(tables: Tables, key: Uint8Array): StoredExecution {
  const stored = executionUnder(tables, key, executionIdOf(key));
  if (stored === undefined) throw damaged();
  return stored;
}

function executionUnder(
  tables: Tables,
  key: Uint8Array,
  id: string,
): StoredExecution | undefined {
  return tables.executions.read(key, (row) => decodeExecution(id, row)) ??
    findUnsettled(tables, key)?.stored;
}
