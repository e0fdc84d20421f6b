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

  /** Resolves at the next change of that proposal, after `waitMs`, or when its caller is gone. */
  async change(id: string, waitMs: number, onGone: OnGone): Promise<void> {
    if (this.#isOver || waitMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wakers = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, wakers.add(resolve));
    const timer = setTimeout(resolve, waitMs);
    const stopListening = onGone(resolve);
    await promise;
    clearTimeout(timer);
    stopListening();
    wakers.delete(resolve);
    if (wakers.size === 0 && this.#waiting.get(id) === wakers) this.#waiting.delete(id);
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
