/**
 * Group commit: all work that waits when the write lock is free shares one transaction and one
 * flush.
 *
 * Invariants:
 * - Every answer, refusals included, waits until the transaction that decided it is on disk: it may
 *   rest on a claim that another made in the same one.
 * - Work either refuses before its first write or writes everything (L3). Work that breaks this
 *   rule, or fails by a bug, is left out: the batch is rolled back and runs again without it.
 * - A commit that failed is looked up. If what it wrote can be read back all the same, nothing is
 *   certain any more, and the ledger gives up until a restart.
 */

import type { MachineClock } from "../../core/clock.ts";
import { equalBytes } from "../../core/bytes.ts";
import { Refusal } from "../../core/errors.ts";
import {
  advanceMark,
  decodeState,
  encodeState,
  type LedgerState,
  readState,
  stateRow,
  writeState,
} from "./state.ts";
import type { Store } from "./store.ts";

/** Work of a transaction. It may change the state; `nowMs` is when the transaction began. */
export type Work<T> = (state: LedgerState, nowMs: number) => T;

interface Entry {
  readonly run: (state: LedgerState, nowMs: number) => void;
  readonly answer: () => void;
  readonly fail: (reason: unknown) => void;
}

interface Batch {
  entries: readonly Entry[];
  /** The state it wrote; undefined if it wrote nothing. */
  written: Uint8Array | undefined;
}

/** Thrown through a transaction to roll it back. */
class Fault extends Error {
  constructor(readonly entry: Entry, readonly reason: unknown) {
    super("work failed inside a transaction", { cause: reason });
  }
}

export class GroupCommit {
  #waiting: Entry[] = [];
  #running = false;
  #latest: LedgerState;

  constructor(private readonly store: Store, private readonly clock: MachineClock) {
    this.#latest = readState(store.tables);
  }

  /** Resolves with what `work` returned, or rejects as it refused, once that is on disk. */
  add<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let answer: () => void;
      const run = (state: LedgerState, nowMs: number) => {
        const writesBefore = this.store.writes;
        try {
          const value = work(state, nowMs);
          answer = () => resolve(value);
        } catch (error) {
          if (!(error instanceof Refusal) || this.store.writes !== writesBefore) throw error;
          answer = () => reject(error);
        }
      };
      this.#waiting.push({ run, answer: () => answer(), fail: reject });
      if (!this.#running) void this.#runAll();
    });
  }

  /** The state as it is on disk. */
  state(): Readonly<LedgerState> {
    return this.#latest;
  }

  /** Runs one transaction at a time: after one that failed, no later one can seem to succeed. */
  async #runAll(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) await this.#commit({ entries: [], written: undefined });
    this.#running = false;
  }

  async #commit(batch: Batch): Promise<void> {
    try {
      await this.store.commit(() => {
        batch.entries = [...batch.entries, ...this.#waiting];
        this.#waiting = [];
        batch.written = this.#run(batch.entries);
      });
    } catch (error) {
      if (!(error instanceof Fault)) return this.#fail(batch, error);
      error.entry.fail(error.reason);
      return await this.#commit({
        entries: batch.entries.filter((entry) => entry !== error.entry),
        written: undefined,
      });
    }
    if (batch.written !== undefined) this.#latest = decodeState(batch.written);
    for (const entry of batch.entries) entry.answer();
  }

  /** Runs inside the transaction; returns the state it wrote. */
  #run(entries: readonly Entry[]): Uint8Array | undefined {
    const before = stateRow(this.store.tables);
    const writesBefore = this.store.writes;
    const state = decodeState(before);
    const nowMs = this.clock.nowMs();
    for (const entry of entries) {
      try {
        entry.run(state, nowMs);
      } catch (error) {
        throw new Fault(entry, error);
      }
    }
    if (this.store.writes === writesBefore && equalBytes(before, encodeState(state))) {
      return undefined;
    }
    advanceMark(state, this.clock);
    state.sequence++;
    return writeState(this.store.tables, state);
  }

  #fail(batch: Batch, error: unknown): void {
    const reason = this.#landed(batch, error) ? this.store.giveUp() : error;
    const entries = [
      ...batch.entries,
      ...(batch.entries.length === 0 ? this.#waiting.splice(0) : []),
    ];
    for (const entry of entries) entry.fail(reason);
  }

  /** Says whether a batch may be on disk although its commit failed. */
  #landed({ written }: Batch, error: unknown): boolean {
    const passes = error instanceof Refusal && error.code === "storage_full";
    if (!passes || written === undefined) return false;
    try {
      return equalBytes(written, stateRow(this.store.tables));
    } catch {
      return true;
    }
  }
}
