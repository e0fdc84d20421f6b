/** Counts connections that were turned away, which may be thousands a second: one line for many. */

const TELL_EVERY_MS = 10_000;

export class TurnedAway {
  readonly #counts = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `tell` is given the number of each uid since it was told last. */
  constructor(private readonly tell: (uid: number, count: number) => void) {}

  note(uid: number): void {
    this.#counts.set(uid, (this.#counts.get(uid) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.flush(), TELL_EVERY_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [uid, count] of this.#counts) this.tell(uid, count);
    this.#counts.clear();
  }
}
