/**
 * Receipts for refusals: batched, off the answer's path, at most so many for each uid in a minute
 * and in a day, and for all uids in a day. A signed summary counts those that a cap or a full disk
 * drops, so a peer can neither flood the log nor hide in a flood. Above the caps of the day there
 * is one summary, when the day ends.
 *
 * Invariant: every well-formed refusal ends as one receipt, or as one count in one summary.
 */

import type { Limits } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Receipt, refusalReceipt, refusalSummaryReceipt } from "../log/receipt.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";

const FLUSH_MS = 250;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** All uids together have as much as so many of them. */
const UIDS_IN_ALL = 10;

/** The time that one uid's next summary is about: a minute, or what is left of a day. */
interface Window {
  readonly startMs: number;
  endMs: number;
  kept: number;
  readonly dropped: Map<ErrorCode, number>;
}

/** How many receipts there were in a day, which begins with its first refusal. */
interface Day {
  readonly endMs: number;
  kept: number;
}

export class RefusalJournal {
  readonly #windows = new Map<number, Window>();
  readonly #days = new Map<number | "all", Day>();
  #queue: { uid: number; code: ErrorCode; body: Receipt }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Set by the last flush: later ones would write to a closed ledger. */
  #isOver = false;

  constructor(
    private readonly ledger: Pick<Ledger, "append" | "health" | "executorId">,
    private readonly clock: Clock,
    private readonly sign: (receipt: Receipt) => SignedReceipt,
    private readonly limits: Pick<Limits, "refusalReceiptsPerMinute" | "refusalReceiptsPerDay">,
  ) {}

  note(
    code: ErrorCode,
    { action, nonce }: { readonly action: string; readonly nonce: string },
    peer: Peer,
  ): void {
    if (!this.takePlace(code, peer.uid)) return;
    const atMs = this.clock.nowMs();
    const body = refusalReceipt(this.ledger.executorId, { code, action, nonce, peer, atMs });
    this.#queue.push({ uid: peer.uid, code, body });
  }

  /**
   * Takes one of this uid's places for a receipt that its caller writes. false where there is none
   * left: then a summary counts it.
   */
  takePlace(code: ErrorCode, uid: number): boolean {
    const nowMs = this.clock.nowMs();
    const { refusalReceiptsPerMinute: perMinute, refusalReceiptsPerDay: perDay } = this.limits;
    const window = this.#windowOf(uid, nowMs);
    const [own, all] = [this.#dayOf(uid, nowMs), this.#dayOf("all", nowMs)];
    this.#flushSoon();
    if (own.kept >= perDay) window.endMs = own.endMs;
    else if (all.kept >= UIDS_IN_ALL * perDay) window.endMs = all.endMs;
    else if (window.kept < perMinute && this.ledger.health().refusing === null) {
      for (const tally of [window, own, all]) tally.kept += 1;
      return true;
    }
    count(window, code);
    return false;
  }

  /** Writes what is waiting. With `isLast`, it also closes the windows that still run. */
  async flush(isLast = false): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOver ||= isLast;
    const batch = this.#queue;
    this.#queue = [];
    const nowMs = this.clock.nowMs();
    const closed = [...this.#windows].filter(([, { endMs }]) => isLast || nowMs >= endMs);
    for (const [uid] of closed) this.#windows.delete(uid);
    const summary = this.#summaryOf(closed, nowMs);
    const receipts = [...batch.map(({ body }) => body), ...summary].map(this.sign);
    try {
      if (receipts.length > 0) await this.ledger.append(receipts);
    } catch {
      for (const { uid, code } of batch) count(this.#windowOf(uid, nowMs), code);
      for (const [uid, { dropped }] of closed) {
        for (const [code, times] of dropped) count(this.#windowOf(uid, nowMs), code, times);
      }
    }
    if (this.#windows.size > 0) this.#flushSoon();
  }

  #flushSoon(): void {
    if (!this.#isOver) this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  #windowOf(uid: number, atMs: number): Window {
    const known = this.#windows.get(uid);
    if (known !== undefined) return known;
    const fresh: Window = { startMs: atMs, endMs: atMs + MINUTE_MS, kept: 0, dropped: new Map() };
    this.#windows.set(uid, fresh);
    return fresh;
  }

  #dayOf(whose: number | "all", atMs: number): Day {
    const known = this.#days.get(whose);
    if (known !== undefined && atMs < known.endMs) return known;
    const fresh: Day = { endMs: atMs + DAY_MS, kept: 0 };
    this.#days.set(whose, fresh);
    return fresh;
  }

  #summaryOf(closed: readonly (readonly [number, Window])[], nowMs: number): Receipt[] {
    const dropped = closed.flatMap(([uid, window]) =>
      [...window.dropped].map(([code, count]) => ({ uid, code, count }))
    );
    if (dropped.length === 0) return [];
    const fromMs = Math.min(...closed.map(([, window]) => window.startMs));
    return [refusalSummaryReceipt(this.ledger.executorId, fromMs, nowMs, dropped)];
  }
}

function count(window: Window, code: ErrorCode, times = 1): void {
  window.dropped.set(code, (window.dropped.get(code) ?? 0) + times);
}
