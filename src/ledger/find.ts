/** Looks executions up: by id, by nonce, by peer. */

import { concatBytes, equalBytes } from "../core/bytes.ts";
import { damaged } from "./store/bytes.ts";
import {
  EXECUTION_KEYS,
  executionIdOf,
  executionKey,
  executionsIn,
  nonceKey,
  peerKey,
  peerOf,
  spanOf,
} from "./store/keys.ts";
import { decodeExecution, type StoredExecution, uidOf } from "./store/rows.ts";
import type { Row } from "./store/recent_rows.ts";
import type { Tables } from "./store/table.ts";
import type { ExecutionRecord, ListFilter } from "./types.ts";
import { allUnsettled, findUnsettled } from "./unsettled.ts";

export function findExecution(tables: Tables, id: string): StoredExecution | undefined {
  const key = executionKey(id);
  return key === undefined ? undefined : executionUnder(tables, key);
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

/** Counts the executions that the index leads to: all of them, unless it lacks some. */
export function countListed(tables: Tables): number {
  let listed = allUnsettled(tables).length;
  let span: Uint8Array = new Uint8Array();
  /** Whether the index has this span for a uid, as far as it was asked. */
  let known = new Map<number, boolean>();
  for (const { key, value } of tables.executions.range(EXECUTION_KEYS)) {
    if (!equalBytes(span, spanOf(key))) [span, known] = [spanOf(key), new Map()];
    const uid = uidOf(value);
    const isListed = known.get(uid) ?? tables.index.has(peerKey(uid, span));
    known.set(uid, isListed);
    if (isListed) listed++;
  }
  return listed;
}

/** A claim names the execution, so it is there, or the ledger is damaged. */
function executionAt(tables: Tables, key: Uint8Array): StoredExecution {
  const stored = executionUnder(tables, key);
  if (stored === undefined) throw damaged();
  return stored;
}

function executionUnder(tables: Tables, key: Uint8Array): StoredExecution | undefined {
  const row = tables.executions.get(key);
  return row === undefined
    ? findUnsettled(tables, key)?.stored
    : decodeExecution(executionIdOf(key), row);
}
