/**
 * How much may wait: for one uid and for all, how much one uid may begin in a minute, and for how
 * long a decline answers for the same request again.
 *
 * Invariant: no uid can take another's room but by filling `total`, which no single uid can.
 */

import { bytesOf, type Text } from "../../core/bytes.ts";
import type { ProposalLimits } from "../../config/config.ts";
import type { Clock } from "../../core/clock.ts";
import { Refusal } from "../../core/errors.ts";
import { sha256 } from "../../core/sha.ts";

const WINDOW_MS = 60_000;

interface Window {
  readonly startMs: number;
  begun: number;
}

export class Room {
  readonly #waiting = new Map<number, number>();
  readonly #windows = new Map<number, Window>();
  /** Until when a request is declined, by uid and keyed digest. */
  readonly #declined = new Map<string, number>();
  /** Without it, a dump of memory would confirm a guess of a payload that was pruned. */
  readonly #key = crypto.getRandomValues(new Uint8Array(32));
  #total = 0;

  constructor(private readonly limits: ProposalLimits, private readonly clock: Clock) {}

  /** Throws a Refusal: rate_limited. */
  checkRate(uid: number): void {
    if (this.#windowOf(uid).begun >= this.limits.perMinute) {
      throw new Refusal(
        "rate_limited",
        "This uid has begun too many proposals; ask again in a minute.",
      );
    }
  }

  /** Throws a Refusal: proposal_declined. `canonical` is the text of action and payload. */
  checkDeclined(uid: number, canonical: Text): void {
    const untilMs = this.#declined.get(this.#digest(uid, canonical)) ?? 0;
    if (untilMs > this.clock.nowMs()) {
      throw new Refusal("proposal_declined", "The same request was declined a short while ago.");
    }
  }

  /** Takes a place for one that begins to wait. Throws a Refusal: rate_limited, proposals_full. */
  begin(uid: number): void {
    this.checkRate(uid);
    const own = this.#waiting.get(uid) ?? 0;
    if (own >= this.limits.perUid || this.#total >= this.limits.total) {
      throw new Refusal("proposals_full");
    }
    this.#windowOf(uid).begun++;
    this.take(uid);
  }

  /** Takes a place without a limit: for what waited before this daemon started. */
  take(uid: number): void {
    this.#waiting.set(uid, (this.#waiting.get(uid) ?? 0) + 1);
    this.#total++;
  }

  /** Gives a place back. `hasBegun` false: it never waited, and counts for no minute. */
  leave(uid: number, hasBegun = true): void {
    const left = (this.#waiting.get(uid) ?? 1) - 1;
    if (left > 0) this.#waiting.set(uid, left);
    else this.#waiting.delete(uid);
    this.#total--;
    if (!hasBegun) this.#windowOf(uid).begun--;
  }

  /** Notes a decline of that time. */
  declined(uid: number, canonical: Text, atMs: number): void {
    const nowMs = this.clock.nowMs();
    const untilMs = atMs + this.limits.declineCooldownMs;
    if (untilMs <= nowMs) return;
    for (const [key, until] of this.#declined) if (until <= nowMs) this.#declined.delete(key);
    this.#declined.set(this.#digest(uid, canonical), untilMs);
  }

  #windowOf(uid: number): Window {
    const nowMs = this.clock.nowMs();
    const known = this.#windows.get(uid);
    if (known !== undefined && nowMs < known.startMs + WINDOW_MS) return known;
    for (const [other, { startMs }] of this.#windows) {
      if (startMs + WINDOW_MS <= nowMs) this.#windows.delete(other);
    }
    const window = { startMs: nowMs, begun: 0 };
    this.#windows.set(uid, window);
    return window;
  }

  #digest(uid: number, canonical: Text): string {
    return `${uid} ${sha256(this.#key, bytesOf(canonical)).toHex()}`;
  }
}
