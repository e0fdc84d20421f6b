/**
 * Executions in flight: reserved, and not settled. Each is one row beside the state, with its
 * sealed request if that is small. So a reservation changes the tree of claims and the one page
 * that every commit writes. Settlement moves the execution to where it stays.
 *
 * Invariant: an execution is here or in the table `executions`, never in both.
 */

import { ByteReader, ByteWriter, damaged } from "./store/bytes.ts";
import { executionIdOf, peerKey, sealedKey, spanOf } from "./store/keys.ts";
import { decodeExecution, encodeExecution, type StoredExecution } from "./store/rows.ts";
import type { Tables } from "./store/table.ts";

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
