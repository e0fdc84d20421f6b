/**
 * Receipts for refusals: batched, off the answer's path, at most so many per minute and uid. A
 * signed summary counts those that the cap or a full disk drops, so a peer can neither flood the
 * log nor hide in a flood.
 *
 * Invariant: every well-formed refusal ends as one receipt, or as one count in one summary.
 */

import type { Clock } from "../core/clock.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Receipt, refusalReceipt, refusalSummaryReceipt } from "../log/receipt.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";

const FLUSH_MS = 250;
const WINDOW_MS = 60_000;

/** One uid's current minute. */
interface Window {
  readonly startMs: number;
  kept: number;
  readonly dropped: Map<ErrorCode, number>;
}

export class RefusalJournal {
  readonly #windows = new Map<number, Window>();
  #queue: { uid: number; code: ErrorCode; body: Receipt }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Set by the last flush: later ones would write to a closed ledger. */
  #isOver = false;

  constructor(
    private readonly ledger: Pick<Ledger, "append" | "health" | "executorId">,
    private readonly clock: Clock,
    private readonly sign: (receipt: Receipt) => SignedReceipt,
    private readonly perMinute: number,
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
    const window = this.#windowOf(uid, this.clock.nowMs());
    this.#flushSoon();
    if (window.kept >= this.perMinute || this.ledger.health().refusing !== null) {
      count(window, code);
      return false;
    }
    window.kept += 1;
    return true;
  }

  /** Writes what is waiting. With `isLast`, it also closes the minutes that still run. */
  async flush(isLast = false): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOver ||= isLast;
    const batch = this.#queue;
    this.#queue = [];
    const nowMs = this.clock.nowMs();
    const closed = [...this.#windows].filter(([, { startMs }]) =>
      isLast || nowMs >= startMs + WINDOW_MS
    );
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
    const fresh: Window = { startMs: atMs, kept: 0, dropped: new Map() };
    this.#windows.set(uid, fresh);
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
