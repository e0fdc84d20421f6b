/**
 * The order in which the requests of agents begin, and what they may hold of memory.
 *
 * Invariants:
 * - One request begins in each turn of the event loop, so between two of them the loop comes to
 *   everything else, and operators, who need no turn, are behind one at most. After one that held
 *   the loop for long, none begins for as long again: the rest has half of the time at least.
 * - While a uid is at work that had less of the loop lately, one that had more rests after its
 *   turns for as long as they took: the other has that half. Alone it never rests.
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

/** Fewer bytes are not counted: as many as there are connections of them fit beside the rest. */
export const SMALL_BYTES = 16 * 1024;
/** A request that waited longer is refused: its sender has more of them than can be served. */
const WAIT_MAX_MS = 10_000;
/** A request that holds the event loop no longer leaves everybody else time enough. */
const LONG_MS = 4;
/** A timer does not tell less apart. */
const REST_MS_MIN = 1;
/** A request that began longer ago waits for its handler, and needs nothing of the loop. */
const AT_WORK_MS = 100;
const LATELY_MS = 500;

/** One request that began, and the bytes that it holds. */
export interface Hold {
  /** Counts an answer that waits for its reader, too. */
  add(bytes: number): void;
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

interface Share {
  /** Oldest first. */
  readonly waiting: Waiting[];
  held: number;
  /** Turns and bytes used, in turns; comparable with that of others. */
  used: number;
  /** Requests that began and have not ended. */
  working: number;
  begunMs: number;
  /** How long its turns took, less by half with each LATELY_MS; of the time `begunMs`. */
  latelyMs: number;
  /** How long its turns took since it rested. */
  owesMs: number;
  restsUntilMs: number;
}

const NEW = {
  held: 0,
  used: 0,
  working: 0,
  begunMs: 0,
  latelyMs: 0,
  owesMs: 0,
  restsUntilMs: 0,
};

export class Turns {
  readonly #shares = new Map<number, Share>();
  #held = 0;
  /** Usage of the uid that began last, before it did: a uid that comes anew begins with it. */
  #usedBefore = 0;
  #isDue = false;
  #isToWake = false;
  /** The uid that had the last turn of the event loop, until that turn is over. */
  #last: Share | undefined;

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
    const share = this.#shares.get(uid) ?? { ...NEW, waiting: [] };
    if (share.waiting.length === 0) share.used = Math.max(share.used, this.#usedBefore);
    this.#shares.set(uid, share);
    return share;
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    let begunMs: number | null = null;
    setImmediate(() => {
      const nowMs = this.nowMs();
      this.#endTurn(nowMs);
      const next = this.#take(nowMs);
      if (next === undefined) return;
      begunMs = nowMs;
      this.#begin(next, nowMs);
    });
    // Comes next in the same turn, after all that the request did at once.
    setImmediate(() => {
      const tookMs = begunMs === null ? 0 : this.nowMs() - begunMs;
      const goOn = () => {
        this.#isDue = false;
        if (begunMs !== null) this.#schedule();
      };
      if (tookMs <= LONG_MS) return goOn();
      this.#last = undefined; // nobody begins meanwhile
      this.later(goOn, tookMs);
    });
  }

  /** Has the uid of the last turn rest for it, while others are at work. */
  #endTurn(nowMs: number): void {
    const share = this.#last;
    this.#last = undefined;
    if (share === undefined) return;
    const tookMs = nowMs - share.begunMs;
    share.latelyMs += tookMs;
    share.owesMs += tookMs;
    if (!this.#isAnyBehind(share, nowMs)) share.owesMs = 0;
    if (share.owesMs < REST_MS_MIN) return;
    share.restsUntilMs = nowMs + share.owesMs;
    share.owesMs = 0;
  }

  /** Whether another is at work that had less of the loop lately. */
  #isAnyBehind(own: Share, nowMs: number): boolean {
    for (const share of this.#shares.values()) {
      const isAtWork = share.waiting.length > 0 ||
        share.working > 0 && nowMs - share.begunMs < AT_WORK_MS;
      if (isAtWork && latelyMs(share, nowMs) < latelyMs(own, nowMs)) return true;
    }
    return false;
  }

  /** Takes the request that is next; undefined where none waits, fits, and is not of who rests. */
  #take(nowMs: number): Waiting | undefined {
    let next: Share | undefined;
    let restMs = Infinity;
    for (const [uid, share] of this.#shares) {
      while (share.waiting[0]?.isGone() === true) share.waiting.shift()?.begin.resolve(null);
      if (share.waiting.length === 0) this.#forget(uid, share);
      else if (this.#firstOf(share) === undefined) continue;
      else if (share.restsUntilMs > nowMs) restMs = Math.min(restMs, share.restsUntilMs - nowMs);
      else if (next === undefined || share.used < next.used) next = share;
    }
    if (next === undefined && restMs < Infinity) this.#wakeIn(restMs);
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

  #wakeIn(ms: number): void {
    if (this.#isToWake) return;
    this.#isToWake = true;
    this.later(() => {
      this.#isToWake = false;
      this.#schedule();
    }, Math.ceil(ms));
  }

  #begin(waiting: Waiting, nowMs: number): void {
    const { uid, sinceMs, isGone, begin } = waiting;
    const share = this.#last = this.#shareOf(uid);
    this.#usedBefore = share.used;
    share.used += 1;
    share.latelyMs = latelyMs(share, nowMs);
    share.begunMs = nowMs;
    if (isGone()) return begin.resolve(null);
    if (nowMs - sinceMs <= WAIT_MAX_MS) return begin.resolve(this.#hold(share, waiting));
    begin.reject(new Refusal("rate_limited", "This uid has more requests than can be served."));
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
    share.working += 1;
    const add = (more: number) => {
      own += more;
      share.held += more;
      share.used += more / SMALL_BYTES;
      this.#held += more;
    };
    add(bytes);
    const next = async (own: () => number) => {
      const turn = await this.#wait({ uid, bytes: 0, own, sinceMs: Infinity, isGone });
      turn?.release();
      return turn !== null;
    };
    return {
      add: (more) => add(counted(more)),
      again: () => next(() => own),
      goOn: () => next(() => share.held),
      release: () => {
        if (isOver) return;
        isOver = true;
        share.working -= 1;
        if (own > 0) this.#schedule();
        share.held -= own;
        this.#held -= own;
        own = 0;
      },
    };
  }

  /** Drops a share that says no more than a new one would. */
  #forget(uid: number, { held, used, working }: Share): void {
    if (held === 0 && working === 0 && used <= this.#usedBefore) this.#shares.delete(uid);
  }
}

/** The hold of an operator, who needs no turn. */
export const NOTHING: Hold = {
  add: () => {},
  again: () => Promise.resolve(true),
  goOn: () => new Promise((resolve) => setImmediate(() => resolve(true))),
  release: () => {},
};

function latelyMs({ latelyMs, begunMs }: Share, nowMs: number): number {
  return latelyMs * 2 ** ((begunMs - nowMs) / LATELY_MS);
}

function counted(bytes: number): number {
  return bytes > SMALL_BYTES ? bytes : 0;
}
