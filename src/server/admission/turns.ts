/**
 * The order in which the requests of agents begin, and what they may hold of memory.
 *
 * Invariants:
 * - One request begins in each turn of the event loop, so between two of them the loop comes to
 *   everything else, and operators, who need no turn, are behind one at most. After one that held
 *   the loop for long, none begins for as long again: the rest has half of the time at least.
 * - A turn takes as long as the loop does with what began, and as long as something large of it is
 *   read, opened or written, by whichever thread.
 * - While a uid is at work that had less lately, one that had more begins nothing in its own turn,
 *   nor after it for twice as long as it took. Alone it never rests, nor does who had least.
 * - Among the uids that wait, the one that used least begins next (fair queues by start time), so
 *   one uid leaves another its half, whatever it sends. Nobody else waiting, a uid has every turn.
 * - A uid that holds what one uid may, or a request that does not fit into what is left for all,
 *   begins when something was given back. The bytes wait in the kernel meanwhile.
 * - A request that waited for something goes on in another turn: many may have waited for it. One
 *   that takes long goes on in a turn for each of its parts. Neither waits for what has to wait
 *   until it ends.
 */

import { setImmediate, setTimeout } from "node:timers";
import type { Limits } from "../../config/config.ts";
import { Refusal } from "../../core/errors.ts";
import type { Meter } from "../../core/types.ts";
import {
  AT_WORK_MS,
  count,
  latelyMs,
  rest,
  REST_MS_MIN,
  restEndMs,
  UNUSED,
  type Use,
} from "./use.ts";

/** Fewer bytes are not counted: as many as there are connections of them fit beside the rest. */
export const SMALL_BYTES = 16 * 1024;
/** A request that waited longer is refused: its sender has more of them than can be served. */
const WAIT_MAX_MS = 10_000;
const LATE = "This uid has more requests than can be served.";
/** A request that holds the event loop no longer leaves everybody else time enough. */
const LONG_MS = 4;

/** One request that began, and what is done for it. */
export interface Hold extends Meter {
  /** Waits for another turn, however long that takes. Resolves to false once its sender is gone. */
  again(): Promise<boolean>;
  /** Does the same, whatever its uid holds by then: only its end gives back what it holds. */
  goOn(): Promise<boolean>;
  /** Gives everything back, once. */
  release(): void;
}

interface Waiting {
  readonly uid: number;
  readonly bytes: number;
  /** Says how much a request that began holds already; null for one that has not. */
  readonly own: (() => number) | null;
  /** Infinity for one that is not refused. */
  readonly sinceMs: number;
  readonly isGone: () => boolean;
  readonly begin: PromiseWithResolvers<Hold | null>;
}

interface Share extends Use {
  /** Oldest first. */
  readonly waiting: Waiting[];
  held: number;
  /** Turns and bytes used, in turns; comparable with that of others. */
  used: number;
  /** Requests that began and have not ended. */
  working: number;
}

export class Turns {
  readonly #shares = new Map<number, Share>();
  #held = 0;
  /** Usage of the uid that began last, before it did: a uid that comes anew begins with it. */
  #usedBefore = 0;
  #isDue = false;
  /** When the first of those that rest may begin. */
  #wakesAtMs = Infinity;

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
    const sinceMs = this.nowMs();
    return this.#wait({ uid, bytes: counted(bytes), own: null, sinceMs, isGone });
  }

  #wait(asked: Omit<Waiting, "begin">): Promise<Hold | null> {
    const begin = Promise.withResolvers<Hold | null>();
    this.#shareOf(asked.uid).waiting.push({ ...asked, begin });
    this.#schedule();
    return begin.promise;
  }

  #shareOf(uid: number): Share {
    const share = this.#shares.get(uid) ?? { ...UNUSED, waiting: [], held: 0, used: 0, working: 0 };
    if (share.waiting.length === 0) share.used = Math.max(share.used, this.#usedBefore);
    this.#shares.set(uid, share);
    return share;
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    let begunMs = 0;
    let end: (() => void) | undefined;
    setImmediate(() => {
      begunMs = this.nowMs();
      const next = this.#take(begunMs);
      if (next !== undefined) end = this.#begin(next, begunMs);
    });
    // Comes next in the same turn, after all that the request did at once.
    setImmediate(() => {
      end?.();
      const goOn = () => {
        this.#isDue = false;
        if (end !== undefined) this.#schedule();
      };
      const tookMs = end === undefined ? 0 : this.nowMs() - begunMs;
      if (tookMs <= LONG_MS) goOn();
      else this.later(goOn, tookMs);
    });
  }

  /** Begins a turn, or a part of one, and returns how to end it. */
  #enter(share: Share): () => void {
    this.#count(share, this.nowMs());
    share.busy += 1;
    return () => {
      const nowMs = this.nowMs();
      this.#count(share, nowMs);
      share.busy -= 1;
      rest(share, nowMs);
    };
  }

  #count(share: Share, nowMs: number): void {
    count(share, nowMs, this.#isAnyBehind(share, nowMs));
  }

  /** Whether another is at work that had less lately. */
  #isAnyBehind(own: Share, nowMs: number): boolean {
    for (const share of this.#shares.values()) {
      const isAtWork = share.waiting.length > 0 || nowMs - share.begunMs < AT_WORK_MS;
      if (isAtWork && latelyMs(share, nowMs) < latelyMs(own, nowMs)) return true;
    }
    return false;
  }

  #mustRest(share: Share, nowMs: number): boolean {
    return (share.busy > 0 || share.restsUntilMs > nowMs) && this.#isAnyBehind(share, nowMs);
  }

  /** Takes the request that is next; undefined where none waits, fits, and is not of who rests. */
  #take(nowMs: number): Waiting | undefined {
    let next: Share | undefined;
    let wakeMs = Infinity;
    for (const [uid, share] of this.#shares) {
      while (share.waiting[0]?.isGone() === true) share.waiting.shift()?.begin.resolve(null);
      if (share.waiting.length === 0) this.#forget(uid, share, nowMs);
      else if (this.#firstOf(share) === undefined) continue;
      else if (this.#mustRest(share, nowMs)) wakeMs = Math.min(wakeMs, restEndMs(share, nowMs));
      else if (next === undefined || share.used < next.used) next = share;
    }
    if (next === undefined && wakeMs < this.#wakesAtMs) this.#wakeAt(wakeMs, nowMs);
    const first = next && this.#firstOf(next);
    if (first !== undefined) next?.waiting.splice(next.waiting.indexOf(first), 1);
    return first;
  }

  /** The oldest, unless it has to wait for what began before it. */
  #firstOf(share: Share): Waiting | undefined {
    const [oldest] = share.waiting;
    if (oldest === undefined || this.#fits(oldest, share)) return oldest;
    return share.waiting.find((each) => each.own !== null && this.#fits(each, share));
  }

  #wakeAt(atMs: number, nowMs: number): void {
    this.#wakesAtMs = atMs;
    this.later(() => {
      if (this.#wakesAtMs === atMs) this.#wakesAtMs = Infinity;
      this.#schedule();
    }, Math.ceil(atMs - nowMs));
  }

  /** Returns how to end its turn of the event loop. */
  #begin(waiting: Waiting, nowMs: number): () => void {
    const { uid, sinceMs, isGone, begin } = waiting;
    const share = this.#shareOf(uid);
    this.#usedBefore = share.used;
    share.used += 1;
    share.begunMs = nowMs;
    const end = this.#enter(share);
    const isLate = nowMs - sinceMs > WAIT_MAX_MS;
    if (isGone()) begin.resolve(null);
    else if (isLate) begin.reject(new Refusal("rate_limited", LATE));
    else begin.resolve(this.#hold(share, waiting));
    return end;
  }

  /** A uid that holds nothing gets in where it fits at all. */
  #fits({ bytes, own }: Waiting, share: Share): boolean {
    const { heldBytes, heldBytesPerUid } = this.limits;
    const isInTotal = bytes === 0 || this.#held + bytes <= heldBytes || this.#held === 0;
    const held = share.held - (own?.() ?? 0);
    return isInTotal && (held === 0 || held + bytes <= heldBytesPerUid);
  }

  #hold(share: Share, { uid, bytes, isGone }: Waiting): Hold {
    let own = 0;
    let isOver = false;
    const ends = new Set<() => void>();
    share.working += 1;
    const weigh = (more: number) => {
      own += more;
      share.held += more;
      share.used += more / SMALL_BYTES;
      this.#held += more;
    };
    weigh(bytes);
    const next = async (own: () => number) => {
      const turn = await this.#wait({ uid, bytes: 0, own, sinceMs: Infinity, isGone });
      turn?.release();
      return turn !== null;
    };
    return {
      weigh: (more) => weigh(counted(more)),
      work: (amount) => counted(amount) > 0 ? this.#work(share, ends) : () => {},
      again: () => next(() => own),
      goOn: () => next(() => share.held),
      release: () => {
        if (isOver) return;
        isOver = true;
        for (const end of ends) end();
        share.working -= 1;
        if (own > 0) this.#schedule();
        share.held -= own;
        this.#held -= own;
        own = 0;
      },
    };
  }

  /** Ends after all that is done at once with what was read or opened. Is in `ends` until then. */
  #work(share: Share, ends: Set<() => void>): () => void {
    const leave = this.#enter(share);
    const end = () => {
      if (!ends.delete(end)) return;
      setImmediate(() => {
        leave();
        this.#schedule();
      });
    };
    ends.add(end);
    return end;
  }

  /** Drops a share that says no more than a new one would. */
  #forget(uid: number, share: Share, nowMs: number): void {
    const { held, used, working, busy } = share;
    const isIdle = held === 0 && working === 0 && busy === 0;
    const isNew = used <= this.#usedBefore && latelyMs(share, nowMs) < REST_MS_MIN;
    if (isIdle && isNew) this.#shares.delete(uid);
  }
}

/** The hold of an operator, who needs no turn. */
export const NOTHING: Hold = {
  weigh: () => {},
  work: () => () => {},
  again: () => Promise.resolve(true),
  goOn: () => new Promise((resolve) => setImmediate(() => resolve(true))),
  release: () => {},
};

function counted(bytes: number): number {
  return bytes > SMALL_BYTES ? bytes : 0;
}
