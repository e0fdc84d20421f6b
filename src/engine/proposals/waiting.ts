/**
 * The proposals that wait, in memory: one record each, whose turn it is to change it, and who is
 * told of a change. The ledger decides; this follows it.
 *
 * Invariant: whatever changes a proposal does so in its turn, one after another. So what was read
 * at the beginning of a turn still holds when the turn writes.
 */

import type { ProposalLimits } from "../../config/config.ts";
import type { Clock } from "../../core/clock.ts";
import { Refusal } from "../../core/errors.ts";
import type { ProposalStatus } from "../../core/proposal.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isVisible, type Viewer } from "../types.ts";
import { ProposalEvents, type ToldEvent, Waiters } from "./events.ts";
import { Room } from "./room.ts";
import { statusOf } from "./view.ts";

interface Entry {
  readonly record: ProposalRecord;
  /** When something about it runs out: itself, or a signature. Milliseconds since 1970. */
  readonly dueAtMs: number;
}

/** Looked at once a minute at least, so that a clock that was set is noticed. */
const LOOK_MS_MAX = 60_000;

export class Waiting {
  readonly events = new ProposalEvents();
  readonly waiters = new Waiters();
  readonly room: Room;
  readonly #entries = new Map<string, Entry>();
  readonly #turns = new Map<string, Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it last looked. Anything that is still due then waits for the next look at others. */
  #lookedMs = 0;
  #isOver = false;

  constructor(
    limits: ProposalLimits,
    private readonly clock: Clock,
    /** Called with what is due: the only timer of all proposals. */
    private readonly onDue: (due: readonly ProposalRecord[]) => void,
    private readonly observe: (record: ProposalRecord, status: ProposalStatus) => void,
  ) {
    this.room = new Room(limits, clock);
  }

  /** The oldest first. */
  get records(): readonly ProposalRecord[] {
    return Array.from(this.#entries.values(), ({ record }) => record);
  }

  /** Throws a Refusal: proposal_over. */
  current(id: string): ProposalRecord {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new Refusal("proposal_over");
    return entry.record;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When something about it runs out; Infinity if it does not wait. */
  dueAt(id: string): number {
    return this.#entries.get(id)?.dueAtMs ?? Infinity;
  }

  /** Runs `work` when every change of that proposal before it is done. */
  async inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns.set(id, promise);
    try {
      await before;
      return await work();
    } finally {
      resolve();
      if (this.#turns.get(id) === promise) this.#turns.delete(id);
    }
  }

  /** Takes up a proposal that begins to wait, or was changed and goes on waiting. */
  put(record: ProposalRecord, dueAtMs = record.expiresAtMs): void {
    this.#entries.set(record.id, { record, dueAtMs: Math.min(dueAtMs, record.expiresAtMs) });
    this.#arm();
  }

  /** Tells of a change; those who wait for an end look again. */
  tell(record: ProposalRecord, status: ProposalStatus): void {
    this.observe(record, status);
    this.events.publish(record, status);
    this.waiters.wake(record.id);
  }

  /** Takes a proposal out: it ended, or it runs. */
  leave(record: ProposalRecord, status: ProposalStatus): void {
    if (this.#entries.delete(record.id)) this.room.leave(record.peer.uid);
    this.tell(record, status);
  }

  /**
   * Follows the events that `viewer` may see: first those after the event of the id `last`, or,
   * without a known one, an event for everything that waits. Returns how to stop.
   */
  follow(
    viewer: Viewer,
    last: string | null,
    send: (event: ToldEvent) => void,
    onClose: () => void,
  ): () => void {
    const missed = last === null ? undefined : this.events.since(last, viewer);
    for (const event of missed ?? this.#snapshot(viewer)) send(event);
    return this.events.listen(viewer, send, onClose);
  }

  /** Looks at what is due now, as after the clock was believed again. */
  look(): void {
    if (this.#isOver) return;
    const nowMs = this.clock.nowMs();
    const due = [...this.#entries.values()].filter(({ dueAtMs }) => dueAtMs <= nowMs);
    this.#lookedMs = nowMs;
    if (due.length > 0) this.onDue(due.map(({ record }) => record));
    this.#arm();
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.waiters.close();
    this.events.close();
  }

  /** Under the id of the latest event: nothing before that is missing then. */
  #snapshot(viewer: Viewer): readonly ToldEvent[] {
    const id = this.events.latest;
    return this.records.filter((record) => isProposalVisible(record, viewer)).map((record) => ({
      id,
      proposal: record.id,
      status: statusOf(record, undefined),
    }));
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isOver || this.#entries.size === 0) return;
    const waitMs = this.#nextDueMs() - this.clock.nowMs();
    this.#timer = setTimeout(() => this.look(), Math.max(0, Math.min(waitMs, LOOK_MS_MAX)));
  }

  /** Leaves out those that were looked at when they were due. */
  #nextDueMs(): number {
    let next = Infinity;
    for (const { dueAtMs } of this.#entries.values()) {
      if (dueAtMs > this.#lookedMs) next = Math.min(next, dueAtMs);
    }
    return next;
  }
}

export function isProposalVisible(
  { peer: { uid }, action }: ProposalRecord,
  viewer: Viewer,
): boolean {
  return isVisible(viewer, { uid, action });
}
