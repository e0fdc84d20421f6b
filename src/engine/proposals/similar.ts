/**
 * Finds what was asked for before: proposals and executions of the last day with the same action
 * and payload, to stand beside the question.
 *
 * Invariant: only a digest under a key of this process is kept, so that it confirms no guess of a
 * payload to anyone who reads this memory later.
 */

import { bytesOf, type Text } from "../../core/bytes.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { sha256 } from "../../core/sha.ts";
import type { Ledger } from "../../ledger/ledger.ts";

const DAY_MS = 86_400_000;
/** Requests that are remembered; the oldest go first. */
const KEPT_MAX = 10_000;
/** Requests of earlier daemons that are read back, of each sort. */
const READ_MAX = 2_000;
const ROWS_PER_TURN = 16;

export interface Asking {
  readonly id: string;
  readonly uid: number;
  readonly atMs: number;
}

export class Similar {
  readonly #key = crypto.getRandomValues(new Uint8Array(32));
  /** By keyed digest, in the order in which they were noted. */
  readonly #asked = new Map<string, Asking[]>();
  /** The digest of each id. */
  readonly #digests = new Map<string, string>();

  constructor(private readonly clock: Pick<Clock, "nowMs">) {}

  /** `canonical` is the text of action and payload. */
  note(canonical: Text, { id, uid, atMs }: Asking): void {
    if (this.#digests.has(id)) return;
    const digest = this.#digestOf(canonical);
    this.#digests.set(id, digest);
    const same = this.#asked.get(digest) ?? [];
    same.push({ id, uid, atMs });
    this.#asked.set(digest, same);
    if (this.#digests.size > KEPT_MAX) this.#forgetFirst();
  }

  /** The newest first, without `id` itself. */
  to(canonical: Text, id: string): readonly Asking[] {
    const sinceMs = this.clock.nowMs() - DAY_MS;
    const digest = this.#digests.get(id) ?? this.#digestOf(canonical);
    return (this.#asked.get(digest) ?? [])
      .filter((asking) => asking.id !== id && asking.atMs >= sinceMs)
      .sort((a, b) => b.atMs - a.atMs);
  }

  /** Returns whether the request of an id may have that text: one that is forgotten may. */
  mayBe(canonical: Text): (id: string) => boolean {
    const digest = this.#digestOf(canonical);
    return (id) => (this.#digests.get(id) ?? digest) === digest;
  }

  /** Reads back what earlier daemons were asked, a few rows at a time. */
  async readBack(ledger: Pick<Ledger, "list" | "openRequest" | "proposals">): Promise<void> {
    const sinceMs = this.clock.nowMs() - DAY_MS;
    const executions = ledger.list({ uid: null, limit: READ_MAX })
      .filter(({ receivedAtMs }) => receivedAtMs >= sinceMs);
    const proposals = ledger.proposals.list({ uid: null, before: null, limit: READ_MAX })
      .filter(({ proposedAtMs }) => proposedAtMs >= sinceMs);
    const all = [
      ...executions.map((record) => ({
        ...record,
        atMs: record.receivedAtMs,
        open: () => ledger.openRequest(record.id)?.canonical,
      })),
      ...proposals.map((record) => ({
        ...record,
        atMs: record.proposedAtMs,
        open: () => ledger.proposals.openBody(record.id)?.canonical,
      })),
    ];
    for (const [number, { id, peer: { uid }, atMs, open }] of all.entries()) {
      if (number % ROWS_PER_TURN === 0) await nextTurn();
      const canonical = open();
      if (canonical !== undefined && canonical !== "") this.note(canonical, { id, uid, atMs });
    }
  }

  #forgetFirst(): void {
    for (const [id, digest] of this.#digests) {
      this.#digests.delete(id);
      const left = (this.#asked.get(digest) ?? []).filter((asking) => asking.id !== id);
      if (left.length > 0) this.#asked.set(digest, left);
      else this.#asked.delete(digest);
      return;
    }
  }

  #digestOf(canonical: Text): string {
    return sha256(this.#key, bytesOf(canonical)).toHex();
  }
}
