/**
 * Tells somebody, by the operator's command, that a proposal waits: id, action, expiry and how many
 * wait. It carries no payload, no reason, and nothing that decides.
 *
 * Invariants: one command at a time, and NOTICES_MAX a minute. Equal proposals within a minute are
 * one notice. Where more come than may be told of, the latest of them is told of later.
 */

import { bytesOf, type Text } from "../../core/bytes.ts";
import type { Clock } from "../../core/clock.ts";
import { digestOf } from "../../core/sha.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { formatTime } from "../../log/time.ts";

const WINDOW_MS = 60_000;
const NOTICES_MAX = 6;

export class Notifier {
  /** When each of the last notices began. */
  #begun: number[] = [];
  /** Until when an equal proposal is no news, by digest of its request. */
  readonly #known = new Map<string, number>();
  #next: ProposalRecord | null = null;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly clock: Pick<Clock, "nowMs">,
    /** Runs the command with this text on its standard input; null: there is none. */
    private readonly run: ((input: string) => Promise<void>) | null,
    private readonly waiting: () => number,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** `canonical` is the text of action and payload. */
  proposed(record: ProposalRecord, canonical: Text): void {
    if (this.run === null) return;
    const nowMs = this.clock.nowMs();
    for (const [digest, untilMs] of this.#known) if (untilMs <= nowMs) this.#known.delete(digest);
    const digest = digestOf(bytesOf(canonical));
    if (this.#known.has(digest)) return;
    this.#known.set(digest, nowMs + WINDOW_MS);
    this.#next = record;
    this.#tell();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#next = null;
  }

  #tell(): void {
    if (this.#isRunning || this.#next === null || this.run === null) return;
    const nowMs = this.clock.nowMs();
    this.#begun = this.#begun.filter((atMs) => atMs > nowMs - WINDOW_MS);
    const [oldest = nowMs] = this.#begun;
    if (this.#begun.length >= NOTICES_MAX) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), oldest + WINDOW_MS - nowMs);
      return;
    }
    const { id, action, expiresAtMs } = this.#next;
    const notice = { id, action, expires_at: formatTime(expiresAtMs), waiting: this.waiting() };
    this.#next = null;
    this.#begun.push(nowMs);
    this.#isRunning = true;
    void this.run(`${JSON.stringify(notice)}\n`).catch(this.onFailure).finally(() => {
      this.#isRunning = false;
      this.#tell();
    });
  }
}
