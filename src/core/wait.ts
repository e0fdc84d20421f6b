/** Waiting: for a time, for a promise up to a time, and for one's turn. */

/** Resolves after `delayMs`. Rejects with the signal's reason as soon as it aborts. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, delayMs);
    function stop(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Resolves to what `promise` resolves to, or to undefined where that takes longer than `limitMs`.
 * Rejects as `promise` does, if in time.
 */
export async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), limitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

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
