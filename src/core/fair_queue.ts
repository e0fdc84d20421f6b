/**
 * A queue in which keys take turns: however much one of them puts in, another waits for one entry
 * of each at most.
 */
export class FairQueue<T> {
  /** Entries by key, never empty; the key whose turn is next comes first. */
  readonly #entries = new Map<number, T[]>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  add(key: number, entry: T): void {
    const waiting = this.#entries.get(key);
    if (waiting === undefined) this.#entries.set(key, [entry]);
    else waiting.push(entry);
  }

  /** Returns the oldest entry of the key whose turn it is; undefined when nothing waits. */
  take(): T | undefined {
    for (const [key, waiting] of this.#entries) {
      const entry = waiting.shift();
      this.#entries.delete(key);
      if (waiting.length > 0) this.#entries.set(key, waiting);
      return entry;
    }
    return undefined;
  }
}
