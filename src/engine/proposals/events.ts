/**
 * Who hears of a proposal's changes: readers of its events, and requests that wait for its end.
 *
 * An event is id and status, to whoever may see the proposal, and nothing else. Invariant: an
 * event's own id is random, so that it tells nobody how much goes on elsewhere.
 */

import type { ProposalStatus } from "../../core/proposal.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { isVisible, type Viewer } from "../types.ts";

/** An event as its readers get it. */
export interface ToldEvent {
  /** 16 hex digits. */
  readonly id: string;
  readonly proposal: string;
  readonly status: ProposalStatus;
}

/** Follows from then on: calls `send` for each event, `onClose` when there will be none. */
export type Following = (send: (event: ToldEvent) => void, onClose: () => void) => () => void;

interface ProposalEvent extends ToldEvent {
  readonly uid: number;
  readonly action: string;
}

/** Events kept for readers that were away. One that missed more gets a snapshot. */
const KEPT_MAX = 1024;

export class ProposalEvents {
  readonly #kept: ProposalEvent[] = [];
  readonly #listeners = new Set<(event: ProposalEvent) => void>();
  readonly #closers = new Set<() => void>();
  /** The id that everything kept comes after. */
  #first = newId();

  /** The id of the latest event: a reader that knows it has missed nothing. */
  get latest(): string {
    return this.#kept.at(-1)?.id ?? this.#first;
  }

  publish({ id, peer: { uid }, action }: ProposalRecord, status: ProposalStatus): void {
    const event = { id: newId(), proposal: id, status, uid, action };
    this.#kept.push(event);
    if (this.#kept.length > KEPT_MAX) this.#first = this.#kept.shift()?.id ?? this.#first;
    for (const listener of this.#listeners) listener(event);
  }

  /** Everything after the event of that id that `viewer` may see; undefined if it is unknown. */
  since(id: string, viewer: Viewer): readonly ToldEvent[] | undefined {
    const at = id === this.#first ? 0 : this.#kept.findIndex((event) => event.id === id) + 1;
    if (at === 0 && id !== this.#first) return undefined;
    return this.#kept.slice(at).filter((event) => isVisible(viewer, event));
  }

  /** Returns how to stop listening. `onClose` is called when there will be no more events. */
  listen(
    viewer: Viewer,
    listener: (event: ToldEvent) => void,
    onClose: () => void,
  ): () => void {
    const onEvent = (event: ProposalEvent) => {
      if (isVisible(viewer, event)) listener(event);
    };
    this.#listeners.add(onEvent);
    this.#closers.add(onClose);
    return () => {
      this.#listeners.delete(onEvent);
      this.#closers.delete(onClose);
    };
  }

  /** Ends every stream. */
  close(): void {
    for (const close of [...this.#closers]) close();
  }
}

function newId(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}

/** Tells of the end of a connection; returns how to stop listening. */
export type OnGone = (listener: () => void) => () => void;

export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();
  #isOver = false;

  /** Whether nobody is kept waiting any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Resolves at the next change of that proposal, after `waitMs`, or when its caller is gone: then
   * to "gone", at once for one who was gone before. Nothing is left to wait for then.
   */
  async change(id: string, waitMs: number, onGone: OnGone): Promise<"woken" | "gone"> {
    if (this.#isOver || waitMs <= 0) return "woken";
    const { promise, resolve } = Promise.withResolvers<"woken" | "gone">();
    const wake = () => resolve("woken");
    const wakers = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, wakers.add(wake));
    const timer = setTimeout(wake, waitMs);
    const stopListening = onGone(() => resolve("gone"));
    const why = await promise;
    clearTimeout(timer);
    stopListening();
    wakers.delete(wake);
    if (wakers.size === 0 && this.#waiting.get(id) === wakers) this.#waiting.delete(id);
    return why;
  }

  /** Wakes everyone who waits for that proposal. */
  wake(id: string): void {
    for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  /** Lets everyone go, now and from now on. */
  close(): void {
    this.#isOver = true;
    for (const id of [...this.#waiting.keys()]) this.wake(id);
  }
}
