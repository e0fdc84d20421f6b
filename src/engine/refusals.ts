/**
 * Receipts for refusals: batched, off the answer's path, at most `refusalReceiptsPerMinute` for each uid; what the cap
 * or a full disk drops is counted and signed as a summary, so that nobody can flood the log and nobody can hide.
 *
 * Invariant: every well-formed refusal ends as one receipt or as one count in one `refusal_summary`.
 */

import type { Clock } from "../core/clock.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Receipt, refusalReceipt, refusalSummaryReceipt } from "../log/receipt.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";

const FLUSH_MS = 250;
const WINDOW_MS = 60_000;

/** What a minute of one uid came to. */
interface Window {
  readonly startMs: number;
  kept: number;
  readonly dropped: Map<ErrorCode, number>;
}

export interface RefusalJournalParts {
  readonly ledger: Pick<Ledger, "append" | "health" | "executorId">;
  readonly clock: Clock;
  readonly sign: (body: Receipt) => SignedReceipt;
  readonly perMinute: number;
}

export class RefusalJournal {
  readonly #windows = new Map<number, Window>();
  #queue: { uid: number; code: ErrorCode; body: Receipt }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Set by the last flush: what comes after it would be written to a ledger that is closed. */
  #isOver = false;

  constructor(private readonly parts: RefusalJournalParts) {}

  note(
    code: ErrorCode,
    request: { readonly action: string; readonly nonce: string },
    peer: Peer,
  ): void {
    const atMs = this.parts.clock.nowMs();
    const window = this.#windowOf(peer.uid, atMs);
    this.#flushSoon();
    if (window.kept >= this.parts.perMinute || this.parts.ledger.health().refusing !== null) {
      count(window, code);
      return;
    }
    window.kept += 1;
    const { action, nonce } = request;
    const body = refusalReceipt(this.parts.ledger.executorId, { code, action, nonce, peer, atMs });
    this.#queue.push({ uid: peer.uid, code, body });
  }

  /** Writes what is waiting; `all`, which is the last flush, also closes the minutes that still run. */
  async flush(all = false): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOver ||= all;
    const batch = this.#queue;
    this.#queue = [];
    const nowMs = this.parts.clock.nowMs();
    const closed = [...this.#windows].filter(([, window]) =>
      all || nowMs >= window.startMs + WINDOW_MS
    );
    for (const [uid] of closed) this.#windows.delete(uid);
    const summary = this.#summaryOf(closed, nowMs);
    const receipts = [...batch.map(({ body }) => body), ...summary].map(this.parts.sign);
    try {
      if (receipts.length > 0) await this.parts.ledger.append(receipts);
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
    return [refusalSummaryReceipt(this.parts.ledger.executorId, fromMs, nowMs, dropped)];
  }
}

function count(window: Window, code: ErrorCode, times = 1): void {
  window.dropped.set(code, (window.dropped.get(code) ?? 0) + times);
}
