/** So many per second for each key, with bursts of one second's worth. */

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Buckets that are full again say nothing that a new one would not; they are dropped at this many. */
const BUCKETS_MAX = 1024;

export class TokenBuckets {
  readonly #buckets = new Map<number, Bucket>();

  /** `perSecond` 0: no limit. `nowMs` must never go back. */
  constructor(private readonly perSecond: number, private readonly nowMs: () => number) {}

  /** false when this key has none left. */
  take(key: number): boolean {
    if (this.perSecond === 0) return true;
    const now = this.nowMs();
    if (this.#buckets.size >= BUCKETS_MAX) this.#dropFull(now);
    const bucket = this.#buckets.get(key) ?? { tokens: this.perSecond, atMs: now };
    const tokens = this.#refilled(bucket, now);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now });
    return tokens >= 1;
  }

  #refilled({ tokens, atMs }: Bucket, now: number): number {
    return Math.min(this.perSecond, tokens + (now - atMs) / 1000 * this.perSecond);
  }

  #dropFull(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (this.#refilled(bucket, now) >= this.perSecond) this.#buckets.delete(key);
    }
  }
}
