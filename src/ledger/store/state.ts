/**
 * The one row that every transaction reads and writes: counts, the mark of the clock, and what an operator ordered.
 *
 * Invariant: it is on disk together with what it counts, so that nothing has to be counted at start-up.
 */

import { utf8Encode } from "../../core/encoding.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";
import type { Tables } from "./store.ts";

const VERSION = 2;
/** Rows of this version end before the boot id; nobody knows of which boot their mark is. */
const VERSION_WITHOUT_BOOT_ID = 1;
const STATE_KEY = utf8Encode("state");

/** Changed in place by the work of one transaction; thrown away when that is rolled back. */
export interface LedgerState {
  /** How many transactions wrote it: no two states are the same. */
  sequence: number;
  executions: number;
  unsettled: number;
  logSize: number;
  /** The latest time ever seen, in ms since 1970, and the machine's uptime in ms when it was. */
  markMs: number;
  markUptimeMs: number;
  /** Of the boot that the uptime is of; empty when nobody knows. */
  markBootId: string;
  halted: boolean;
  /** Set by a jump of the clock, lifted by an operator. */
  pruningPaused: boolean;
  /** Approvals issued before this second (since 1970) are older than a restore; 0 when nothing was restored. */
  fenceSeconds: number;
}

export function emptyState(): LedgerState {
  return {
    sequence: 0,
    executions: 0,
    unsettled: 0,
    logSize: 0,
    markMs: 0,
    markUptimeMs: 0,
    markBootId: "",
    halted: false,
    pruningPaused: false,
    fenceSeconds: 0,
  };
}

export function encodeState(state: LedgerState): Uint8Array {
  return new ByteWriter(192)
    .u8(VERSION)
    .u48(state.sequence)
    .u48(state.executions)
    .u48(state.unsettled)
    .u48(state.logSize)
    .u48(state.markMs)
    .u48(state.markUptimeMs)
    .u8(state.halted ? 1 : 0)
    .u8(state.pruningPaused ? 1 : 0)
    .u48(state.fenceSeconds)
    .text(state.markBootId)
    .finish();
}

export function decodeState(row: Uint8Array): LedgerState {
  const reader = new ByteReader(row);
  const version = reader.u8();
  if (version !== VERSION && version !== VERSION_WITHOUT_BOOT_ID) throw damaged();
  const state: LedgerState = {
    sequence: reader.u48(),
    executions: reader.u48(),
    unsettled: reader.u48(),
    logSize: reader.u48(),
    markMs: reader.u48(),
    markUptimeMs: reader.u48(),
    halted: reader.u8() === 1,
    pruningPaused: reader.u8() === 1,
    fenceSeconds: reader.u48(),
    markBootId: version === VERSION_WITHOUT_BOOT_ID ? "" : reader.text(),
  };
  reader.end();
  return state;
}

/** Throws a Refusal, ledger_unavailable, when there is none. */
export function stateRow(tables: Tables): Uint8Array {
  const row = tables.meta.get(STATE_KEY);
  if (row === undefined) throw damaged();
  return row;
}

export function readState(tables: Tables): LedgerState {
  return decodeState(stateRow(tables));
}

/** To be called inside a transaction; returns the row. */
export function writeState(tables: Tables, state: LedgerState): Uint8Array {
  const row = encodeState(state);
  tables.meta.put(STATE_KEY, row);
  return row;
}
