/**
 * Executions, in flight or settled, and how they are found: by id, by nonce, by peer.
 *
 * One in flight is reserved, and not settled: a row beside the state, with its sealed request if
 * that is small. So a reservation changes the tree of claims and the one page that every commit
 * writes. Settlement moves the execution to where it stays.
 *
 * Invariant: an execution is in flight or in the table `executions`, never both.
 */

import { concatBytes, equalBytes } from "../core/bytes.ts";
import { ByteReader, ByteWriter, damaged } from "./store/bytes.ts";
import {
  EXECUTION_KEYS,
  executionIdOf,
  executionKey,
  executionsIn,
  nonceKey,
  ownExecutionKey,
  peerKey,
  peerOf,
  sealedKey,
  spanOf,
  spanTextOf,
} from "./store/keys.ts";
import type { Row } from "./store/recent_rows.ts";
import { decodeExecution, encodeExecution, type StoredExecution, uidOf } from "./store/rows.ts";
import type { Tables } from "./store/table.ts";
import type { ExecutionRecord, ListFilter } from "./types.ts";

const VERSION = 1;
/** The first byte of a key, before the execution's own 16; the state has another. */
const UNSETTLED = 1;
const UNSETTLED_KEYS = { start: Uint8Array.of(UNSETTLED), end: Uint8Array.of(UNSETTLED + 1) };
/** A longer request is written once, to the table `sealed`: to move it would cost as much again. */
const REQUEST_BYTES_MAX = 4096;

const NOTHING = new Uint8Array();

export interface Unsettled {
  readonly stored: StoredExecution;
  /** Its sealed bytes; null if they are elsewhere, or not stored. */
  readonly request: Uint8Array | null;
}

/** Whether a sealed request waits in the row of its execution. */
export function fitsBeside(request: Uint8Array): boolean {
  return request.length <= REQUEST_BYTES_MAX;
}

/** Runs inside a transaction. */
export function putUnsettled(
  { current }: Pick<Tables, "current">,
  id: Uint8Array,
  { stored, request }: Unsettled,
): void {
  const execution = encodeExecution(stored);
  const row = new ByteWriter(execution.length + (request?.length ?? 0) + 5).u8(VERSION)
    .u32(execution.length).bytes(execution).bytes(request ?? NOTHING).finish();
  current.put(unsettledKey(id), row);
}

export function findUnsettled(
  { current }: Pick<Tables, "current">,
  id: Uint8Array,
): Unsettled | undefined {
  const row = current.get(unsettledKey(id));
  return row === undefined ? undefined : decode(id, row);
}

/** Returns all, the oldest first: never more than were in flight. */
export function allUnsettled({ current }: Pick<Tables, "current">): Unsettled[] {
  const rows = current.range(UNSETTLED_KEYS);
  return Array.from(rows, ({ key, value }) => decode(key.subarray(1), value));
}

/**
 * Runs inside a transaction: moves an execution to where it stays, as `stored`, and its request to
 * the sealed bodies.
 */
export function file(
  tables: Tables,
  id: Uint8Array,
  { request }: Unsettled,
  stored: StoredExecution,
) {
  tables.current.remove(unsettledKey(id));
  if (request !== null) {
    tables.sealed.put(sealedKey(stored.requestBucketMs, "request", id), request);
  }
  tables.executions.insert(id, encodeExecution(stored));
  const listed = peerKey(stored.record.peer.uid, spanOf(id));
  if (!tables.index.has(listed)) tables.index.put(listed, NOTHING);
}

function unsettledKey(id: Uint8Array): Uint8Array {
  return new ByteWriter(17).u8(UNSETTLED).bytes(id).finish();
}

function decode(id: Uint8Array, row: Uint8Array): Unsettled {
  const reader = new ByteReader(row);
  if (reader.u8() !== VERSION) throw damaged();
  const stored = decodeExecution(executionIdOf(id), reader.view(reader.u32()));
  const request = reader.rest();
  return { stored, request: request.length === 0 ? null : request };
}

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
