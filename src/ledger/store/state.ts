/**
 * The one row that every transaction reads and writes: counts, the clock's mark, what an operator
 * ordered, and the fence. Approvals issued before the fence's second are refused
 * (`approval_fenced`): a ledger that is new or restored cannot know whether they were used, since
 * another one may have been here before it.
 *
 * Invariants:
 * - It is on disk together with what it counts, so that a start has nothing to count.
 * - The mark is the latest time the ledger has seen. It never goes back, so that what expired once
 *   stays expired when the wall clock is set back.
 * - If time and the machine's uptime differ by more than an hour, pruning pauses until an operator
 *   asks for it: neither a clock that was set forward by mistake nor an uptime that leaps may
 *   destroy payloads.
 * - Only two uptimes of one boot, by the kernel's id of it, can show such a jump
 *   (docs/decisions/clock-jumps.md).
 * - The fence is later than everything that a ledger before it consumed, and no daemon listens
 *   before its second has begun. So it refuses nothing that is issued once the daemon is ready,
 *   unless the approver's clock is behind.
 */

import { type Clock, CLOCK_JUMP_MS, type MachineClock, UPTIME_STEP_MS } from "../../core/clock.ts";
import { sleep } from "../../core/wait.ts";
import { ByteReader, ByteWriter, damaged } from "./bytes.ts";
import type { Tables } from "./table.ts";

const VERSION = 2;
/** Rows of this version end before the boot id, so the boot of their mark is unknown. */
const VERSION_WITHOUT_BOOT_ID = 1;
/** Sorts behind the executions in flight, in the same table. */
const STATE_KEY = Uint8Array.of(2);

/** The work of a transaction changes it in place; a rollback throws it away. */
export interface LedgerState {
  /** Counts the transactions that wrote it, so that no two states are equal. */
  sequence: number;
  executions: number;
  unsettled: number;
  logSize: number;
  /** The latest time ever seen, in ms since 1970, and the machine's uptime in ms at that time. */
  markMs: number;
  markUptimeMs: number;
  /** The boot that the uptime belongs to; empty if it is unknown. */
  markBootId: string;
  halted: boolean;
  /** Set by a jump of the clock, lifted by an operator. */
  pruningPaused: boolean;
  /** Approvals issued before this second (since 1970) are refused. */
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

/** Throws a Refusal, ledger_unavailable, if there is none. */
export function stateRow({ current }: Tables): Uint8Array {
  const row = current.get(STATE_KEY);
  if (row === undefined) throw damaged();
  return row;
}

export function readState(tables: Tables): LedgerState {
  return decodeState(stateRow(tables));
}

/** Runs inside a transaction; returns the row. */
export function writeState(tables: Tables, state: LedgerState): Uint8Array {
  const row = encodeState(state);
  tables.current.put(STATE_KEY, row);
  return row;
}

/**
 * Returns the earliest time that it can be at start-up: the mark, plus what the machine has
 * certainly been up for since. Time does not go back even if the daemon died before it could write
 * the latest, and then the wall clock was set back.
 *
 * The uptime of another boot may be that of another machine, which has been up for longer than the
 * ledger exists. It counts only if the wall clock is behind by more than an hour, and so was set
 * back. Otherwise the wall clock is believed. So it is where the uptime of this boot leapt, as
 * in a time namespace or in a clone of a virtual machine.
 */
export function earliestNow(state: LedgerState, clock: MachineClock): number {
  const isOfThisBoot = isMarkOfThisBoot(state, clock);
  const uptimeMs = clock.uptimeMs();
  const longerMs = uptimeMs - state.markUptimeMs;
  const laterMs = clock.nowMs() - state.markMs;
  const hasLeapt = longerMs - laterMs > CLOCK_JUMP_MS;
  if ((!isOfThisBoot || hasLeapt) && laterMs >= -CLOCK_JUMP_MS) return state.markMs;
  const sinceMs = isOfThisBoot || longerMs >= 0 ? longerMs : uptimeMs;
  return state.markMs + Math.max(0, sinceMs - UPTIME_STEP_MS);
}

/**
 * Moves the mark to now, or to `earliestMs` if that is later, and returns it. Pauses pruning if the
 * clock jumped.
 */
export function advanceMark(state: LedgerState, clock: MachineClock, earliestMs = 0): number {
  const nowMs = Math.max(state.markMs, earliestMs, clock.nowMs());
  const uptimeMs = clock.uptimeMs();
  const aheadMs = nowMs - state.markMs - (uptimeMs - state.markUptimeMs);
  if (isMarkOfThisBoot(state, clock) && Math.abs(aheadMs) > CLOCK_JUMP_MS) {
    state.pruningPaused = true;
  }
  state.markMs = nowMs;
  state.markUptimeMs = uptimeMs;
  state.markBootId = clock.bootId();
  return nowMs;
}

function isMarkOfThisBoot({ markBootId }: LedgerState, clock: MachineClock): boolean {
  return markBootId !== "" && markBootId === clock.bootId();
}

/**
 * Returns the second, since 1970, that begins after `nowMs`. Approvals are issued in whole seconds,
 * and one of this second may have been consumed already.
 */
export function fenceAfter(nowMs: number): number {
  return Math.floor(nowMs / 1000) + 1;
}

/** Resolves once the fence's second has begun. */
export async function fenceReached(fenceSeconds: number, clock: Clock): Promise<void> {
  const waitMs = Math.min(fenceSeconds * 1000 - clock.nowMs(), 1000);
  if (waitMs > 0) await sleep(waitMs);
}
