/** Requests that wait for a proposal's end: each is woken by a change, its time, or its going. */

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
