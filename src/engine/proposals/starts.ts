/**
 * Starts what is approved: at once where there is room, else first in, first out.
 *
 * Invariants:
 * - The last signature and the reservation are one transaction (ledger/reserve.ts): a proposal is
 *   started once, or it still waits.
 * - Everything that /execute checks is checked again right before each start (rules.ts), against
 *   what holds now.
 */

import { Refusal } from "../../core/errors.ts";
import type { Slot } from "../../executor/types.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { reservationOf, type Starter } from "../starter.ts";
import type { Runs } from "../runs.ts";
import { type EngineParts, Stopwatch } from "../types.ts";
import type { Complete } from "./signatures.ts";
import type { Proposed } from "./subject.ts";
import type { Waiting } from "./waiting.ts";

/** How often room is looked for that nobody tells of: an executor, or space on the disk. */
const LOOK_AGAIN_MS = 1000;

const NO_ROOM: ReadonlySet<string> = new Set([
  "halted",
  "draining",
  "executor_busy",
  "executor_unavailable",
  "storage_full",
]);

/** Whether a start failed for want of something that may come. */
export function lacksRoom({ code }: Refusal): boolean {
  return NO_ROOM.has(code);
}

export class Starts {
  /** Actions of what is approved and waits for a slot, by proposal. */
  readonly #queued = new Map<string, string>();
  #isPumping = false;
  #isAsked = false;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly parts: EngineParts,
    private readonly runs: Runs,
    private readonly starter: Starter,
    private readonly waiting: Waiting,
    /** Starts a queued proposal in that slot, in its turn; gives the slot back if it does not. */
    private readonly startQueued: (id: string, slot: Slot) => Promise<"started" | "not">,
  ) {
    starter.isQueued = (action) => this.isQueued(action);
    starter.onRoom = () => this.pump();
  }

  isQueued(action: string): boolean {
    return this.#queued.size > 0 && [...this.#queued.values()].includes(action);
  }

  /** Follows a record that was written: only what is approved is queued. */
  follow({ id, action, status }: ProposalRecord): void {
    if (status === "approved") this.#queued.set(id, action);
    else this.#queued.delete(id);
  }

  /** Looks for room for what is queued. */
  pump(): void {
    if (this.#queued.size === 0) return;
    this.#isAsked = true;
    if (!this.#isPumping) void this.#pumpAll().catch(this.parts.onBug);
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /**
   * Resolves once it is reserved and on its way. Throws a Refusal: payload_invalid, executor_busy,
   * executor_unavailable, and those of a reservation.
   */
  async start(subject: Proposed, complete: Complete, taken: Slot | null = null): Promise<void> {
    const { record, request, found, salt } = subject;
    const leave = this.starter.enter();
    let slot = taken;
    try {
      await this.parts.executors.check(request.action, request.canonical, record.peer.uid);
      slot ??= this.starter.acquire(request.action);
    } catch (error) {
      slot?.release();
      leave(false);
      throw error;
    }
    const { id, peer, traceparent, proposedAtMs } = record;
    const origin = { id, peer, salt, traceparent, receivedAtMs: proposedAtMs, proposedAtMs };
    const joined = complete === "demo" ? null : complete;
    const reservation = () =>
      reservationOf(
        { ...request, approval: joined?.unverified ?? null },
        found.registered,
        joined?.signatures.approval ?? null,
        origin,
        this.parts,
        { id, body: joined?.body ?? null },
      );
    const work = this.starter.start(slot, reservation, traceparent, new Stopwatch());
    const { run } = await this.runs.keepUntilDone(work).catch((error: unknown) => {
      leave(false);
      throw error;
    });
    this.#queued.delete(id);
    this.waiting.leave({ ...record, status: "started" }, "running");
    void run.catch(this.parts.onBug).finally(leave);
  }

  /** Hears who asks meanwhile: nothing is awaited between the last look and the end. */
  async #pumpAll(): Promise<void> {
    this.#isPumping = true;
    try {
      while (this.#isAsked) {
        this.#isAsked = false;
        await this.#startAll();
      }
    } finally {
      this.#isPumping = false;
      if (this.#queued.size > 0) this.#lookAgain();
    }
  }

  async #startAll(): Promise<void> {
    const full = new Set<string>();
    for (const { id, action } of this.#inOrder()) {
      if (this.parts.ledger.health().halted || this.runs.isDraining) return;
      if (full.has(action)) continue;
      const slot = this.#slotFor(action);
      if (slot === null || await this.startQueued(id, slot) === "not") full.add(action);
    }
  }

  /** First in, first out. */
  #inOrder(): readonly ProposalRecord[] {
    return this.waiting.records.filter(({ id }) => this.#queued.has(id)).sort((a, b) =>
      (a.approvedAtMs ?? 0) - (b.approvedAtMs ?? 0)
    );
  }

  #slotFor(action: string): Slot | null {
    const leave = this.starter.enter();
    try {
      return this.starter.acquire(action);
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    } finally {
      leave(false);
    }
  }

  /** Runs that end tell of their room; nothing tells of an executor that can be had again. */
  #lookAgain(): void {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#timer = setTimeout(() => this.pump(), LOOK_AGAIN_MS);
  }
}
