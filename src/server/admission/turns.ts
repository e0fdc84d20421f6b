/**
 * The order in which the requests of agents begin, and what they may hold of memory.
 *
 * Invariants:
 * - One request begins in each turn of the event loop, so between two of them the loop comes to
 *   everything else, and operators, who need no turn, are behind one at most. After one that held
 *   the loop for long, none begins for as long again: the rest has half of the time at least.
 * - Among the uids that wait, the one that used least begins next (fair queues by start time), so
 *   one uid leaves another its half, whatever it sends. Nobody else waiting, a uid has every turn.
 * - A uid that holds what one uid may, or a request that does not fit into what is left for all,
 *   begins when something was given back. The bytes wait in the kernel meanwhile.
 */

import { setImmediate, setTimeout } from "node:timers";
import type { Limits } from "../../config/config.ts";
import { Refusal } from "../../core/errors.ts";

/** Fewer bytes are not counted: as many as there are connections of them fit beside the rest. */
export const SMALL_BYTES = 16 * 1024;
/** A request that waited longer is refused: its sender has more of them than can be served. */
const WAIT_MAX_MS = 10_000;
/** A request that holds the event loop no longer leaves everybody else time enough. */
const LONG_MS = 4;

/** One request that began, and the bytes that it holds. */
export interface Hold {
  /** Counts an answer that waits for its reader, too. */
  add(bytes: number): void;
  /** Gives everything back, once. */
  release(): void;
}

interface Waiting {
  readonly uid: number;
  readonly bytes: number;
  readonly sinceMs: number;
  readonly isGone: () => boolean;
  readonly begin: PromiseWithResolvers<Hold | null>;
}

interface Share {
  /** Oldest first. */
  readonly waiting: Waiting[];
  held: number;
  /** Turns and bytes used, in turns; comparable with that of others. */
  used: number;
}

export class Turns {
  readonly #shares = new Map<number, Share>();
  #held = 0;
  /** Usage of the uid that began last, before it did: a uid that comes anew begins with it. */
  #usedBefore = 0;
  #isDue = false;

  constructor(
    private readonly limits: Pick<Limits, "heldBytes" | "heldBytesPerUid">,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly later: (act: () => void, ms: number) => void = setTimeout,
  ) {}

  /**
   * Resolves when a request of this uid, with a body of so many bytes, may begin; to null, and
   * without a turn, once its sender `isGone`. Rejects with a Refusal: rate_limited.
   */
  take(uid: number, bytes: number, isGone: () => boolean): Promise<Hold | null> {
    const share = this.#shareOf(uid);
    const begin = Promise.withResolvers<Hold | null>();
    share.waiting.push({ uid, bytes: counted(bytes), sinceMs: this.nowMs(), isGone, begin });
    this.#schedule();
    return begin.promise;
  }

  #shareOf(uid: number): Share {
    const share = this.#shares.get(uid) ?? { waiting: [], held: 0, used: 0 };
    if (share.waiting.length === 0) share.used = Math.max(share.used, this.#usedBefore);
    this.#shares.set(uid, share);
    return share;
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    let begunMs: number | null = null;
    setImmediate(() => {
      const next = this.#take();
      if (next === undefined) return;
      begunMs = this.nowMs();
      this.#begin(next);
    });
    // Comes next in the same turn, after all that the request did at once.
    setImmediate(() => {
      const tookMs = begunMs === null ? 0 : this.nowMs() - begunMs;
      const goOn = () => {
        this.#isDue = false;
        if (begunMs !== null) this.#schedule();
      };
      if (tookMs > LONG_MS) this.later(goOn, tookMs);
      else goOn();
    });
  }

  /** Takes the request that is next; undefined where none waits, or none fits. */
  #take(): Waiting | undefined {
    let next: Share | undefined;
    for (const [uid, share] of this.#shares) {
      while (share.waiting[0]?.isGone() === true) share.waiting.shift()?.begin.resolve(null);
      const [first] = share.waiting;
      if (first === undefined) this.#forget(uid, share);
      else if (this.#fits(first, share) && (next === undefined || share.used < next.used)) {
        next = share;
      }
    }
    return next?.waiting.shift();
  }

  #begin({ uid, bytes, sinceMs, begin }: Waiting): void {
    const share = this.#shareOf(uid);
    this.#usedBefore = share.used;
    share.used += 1;
    if (this.nowMs() - sinceMs <= WAIT_MAX_MS) return begin.resolve(this.#hold(share, bytes));
    begin.reject(new Refusal("rate_limited", "This uid has more requests than can be served."));
  }

  /** A uid that holds nothing gets in where it fits at all. */
  #fits({ bytes }: Waiting, { held }: Share): boolean {
    const { heldBytes, heldBytesPerUid } = this.limits;
    const isInTotal = bytes === 0 || this.#held + bytes <= heldBytes || this.#held === 0;
    return isInTotal && (held === 0 || held + bytes <= heldBytesPerUid);
  }

  #hold(share: Share, bytes: number): Hold {
    let own = 0;
    const add = (more: number) => {
      own += more;
      share.held += more;
      share.used += more / SMALL_BYTES;
      this.#held += more;
    };
    add(bytes);
    return {
      add: (more) => add(counted(more)),
      release: () => {
        if (own > 0) this.#schedule();
        share.held -= own;
        this.#held -= own;
        own = 0;
      },
    };
  }

  /** Drops a share that says no more than a new one would. */
  #forget(uid: number, { held, used }: Share): void {
    if (held === 0 && used <= this.#usedBefore) this.#shares.delete(uid);
  }
}

/** The hold of an operator, who needs no turn. */
export const NOTHING: Hold = { add: () => {}, release: () => {} };

function counted(bytes: number): number {
  return bytes > SMALL_BYTES ? bytes : 0;
}
