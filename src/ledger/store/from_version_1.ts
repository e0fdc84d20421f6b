/**
 * From schema version 1 to 2, which has fewer trees. Nonces and approvals become claims; sealed
 * bodies sort by execution; nodes of the log's tree become tiles; the lists by peer become spans of
 * time; executions in flight lie beside the state.
 */

import { concatBytes, equalBytes, utf8Encode } from "../../core/bytes.ts";
import { damagedLedger } from "../disk/open_error.ts";
import { nodesBefore } from "../../log/tree.ts";
import { storeFullTiles, TILE_BYTES, TILE_LEAVES, TILE_LEVELS } from "../log.ts";
import { putUnsettled } from "../executions.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";
import { APPROVAL, executionIdOf, leafKey, NONCE, peerKey, spanOf } from "./keys.ts";
import type { MigrationPart, MigrationStep } from "./migration.ts";
import { decodeExecution } from "./rows.ts";
import { decodeState, encodeState, type LedgerState, writeState } from "./state.ts";
import type { Store } from "./store.ts";
import type { Row } from "./recent_rows.ts";
import type { Table, Tables } from "./table.ts";

const STATE_KEY = utf8Encode("state");
const SCHEMA_KEY = utf8Encode("schema");
const LAST_KEY = new Uint8Array(64).fill(0xff);
/** Rows of so many bytes end a batch. */
const BATCH_BYTES = 2 ** 23;
const NOTHING = new Uint8Array();
/** The second byte of an execution's row. */
const RESERVED = 0;

/** Returns the state of a ledger of version 1; undefined in one of another. */
export function olderState({ meta }: Pick<Tables, "meta">): LedgerState | undefined {
  const row = meta.get(STATE_KEY);
  return row === undefined ? undefined : decodeState(row);
}

function requireState(older: Store): LedgerState {
  const state = olderState(older.tables);
  if (state === undefined) throw damaged();
  return state;
}

export const fromVersion1: MigrationStep = {
  tables: [
    ...["meta", "executions", "nonces", "peers", "unsettled", "approvals", "leaves", "nodes"],
    ...["sealed", "proposals", "proposal_index"],
  ],
  executions: (older) => requireState(older).executions,
  state: (older) => encodeState(requireState(older)),
  parts: (older, newer) => {
    const { claims, sealed, index, proposals, meta } = newer.tables;
    const claim = (kind: number) => ({ key, value }: Row) =>
      claims.put(concatBytes(Uint8Array.of(kind), key), value);
    const copyTo = (table: Table) => ({ key, value }: Row) => table.put(key, value);
    return [
      rowsOf(older, "nonces", claim(NONCE)),
      rowsOf(older, "approvals", claim(APPROVAL)),
      rowsOf(older, "executions", placeExecution(newer.tables)),
      rowsOf(older, "sealed", ({ key, value }) => sealed.put(bodyKey(key), value)),
      rowsOf(older, "leaves", appendLeaf(newer.tables.log, older.older("nodes"))),
      rowsOf(older, "proposals", copyTo(proposals)),
      rowsOf(older, "proposal_index", copyTo(index)),
      rowsOf(older, "peers", listByTime(index)),
      rowsOf(older, "meta", ({ key, value }) => {
        if (equalBytes(key, STATE_KEY)) writeState(newer.tables, decodeState(value));
        else if (!equalBytes(key, SCHEMA_KEY)) meta.put(key, value);
      }),
    ];
  },
};

/** Reads every row of an older table, in order. */
function rowsOf(older: Store, name: string, move: (row: Row) => void): MigrationPart {
  const table = older.older(name);
  return {
    rows: () => table.rows,
    read: (position, rowsMax) => {
      const rows = rowsAfter(table, position, rowsMax);
      return {
        write: () => rows.forEach(move),
        rows: rows.length,
        next: rows.at(-1)?.key ?? null,
      };
    },
  };
}

function rowsAfter(table: Table, position: Uint8Array, rowsMax: number): Row[] {
  const rows: Row[] = [];
  let bytes = 0;
  const start = new ByteWriter(64).bytes(position).u8(0).finish();
  for (const row of table.range({ start, end: LAST_KEY, limit: rowsMax })) {
    rows.push(row);
    bytes += row.value.length;
    if (bytes >= BATCH_BYTES) break;
  }
  return rows;
}

/** One in flight goes beside the state; its request is among the bodies. */
function placeExecution(tables: Tables): (row: Row) => void {
  return ({ key, value }) => {
    if (value[1] !== RESERVED) return tables.executions.put(key, value);
    const stored = decodeExecution(executionIdOf(key), value);
    putUnsettled(tables, key, { stored, request: null });
  };
}

/** Bucket, kind and id were in this order. */
function bodyKey(key: Uint8Array): Uint8Array {
  const [bucket, kind, id] = [key.subarray(0, 6), key.subarray(6, 7), key.subarray(7)];
  return new ByteWriter(40).bytes(bucket).bytes(id).bytes(kind).finish();
}

/** The keys were the uid, then the execution: a uid's executions of one span come together. */
function listByTime(index: Table): (row: Row) => void {
  let listed: Uint8Array = NOTHING;
  return ({ key }) => {
    const reader = new ByteReader(key);
    const entry = peerKey(reader.u32(), spanOf(reader.rest()));
    if (!equalBytes(entry, listed)) index.put(entry, NOTHING);
    listed = entry;
  };
}

/** Puts tiles behind the leaves that complete them. */
function appendLeaf(log: Table, nodes: Table): (row: Row) => void {
  return ({ key, value }) => {
    log.put(key, value);
    const leaves = new ByteReader(key).u48() + 1;
    storeFullTiles(log, leaves, (rank) => tileEndingWith(nodes, rank, leaves));
  };
}

function tileEndingWith(nodes: Table, rank: number, leaves: number): Uint8Array {
  const tile = new ByteWriter(TILE_BYTES);
  if (rank === 0) {
    // its nodes lie beside each other
    const [start, end] = [nodeKey(0, leaves - TILE_LEAVES), LAST_KEY];
    for (const { value } of nodes.range({ start, end, limit: 2 * TILE_LEAVES - 1 })) {
      tile.bytes(value);
    }
  } else {
    const first = leaves / TILE_LEAVES ** rank - TILE_LEAVES;
    for (let index = first; index < first + TILE_LEAVES; index++) {
      for (let height = 0; height <= TILE_LEVELS && (index + 1) % 2 ** height === 0; height++) {
        const key = nodeKey(rank * TILE_LEVELS + height, (index + 1) / 2 ** height - 1);
        tile.bytes(nodes.get(key) ?? NOTHING);
      }
    }
  }
  const bytes = tile.finish();
  if (bytes.length !== TILE_BYTES) throw damagedLedger("a node of the log's tree is missing");
  return bytes;
}

/** Nodes were rows of their own, in the order in which appends complete them. */
function nodeKey(level: number, index: number): Uint8Array {
  return leafKey(nodesBefore(level, index));
}
