/**
 * Space: whether there is enough of it to begin something whose outcome must be written later.
 *
 * Invariants:
 * - A reservation is admitted only if everything in flight, and itself, could settle with the
 *   largest result allowed. It counts as in flight from its admission on, although its commit comes
 *   later: in a burst, the last one counts all before it.
 * - Receipts that belong to no execution stop long before that.
 * - Ballast is space held back for outcomes (docs/decisions/ballast.md). Once it was given up,
 *   new work is refused until it is back, or until the data file has as much space inside.
 */

import { sleep } from "../../core/wait.ts";
import { join } from "node:path";
import { Refusal } from "../../core/errors.ts";
import { FreeSpace, isDiskFull, totalBytes } from "./free_space.ts";

/** A commit takes this much besides bodies: copies of the pages it changes. */
const COMMIT_BYTES = 2 ** 19;
/** Receipts without an execution leave this many times as much. */
const RECEIPTS_SHARE = 4;
/**
 * Half of the reusable bytes count: a large value needs adjacent pages, and readers may still hold
 * some of them.
 */
const REUSABLE_SHARE = 2;
const WAIT_MS = 100;

export interface SpaceOptions {
  readonly directory: string;
  readonly ballast: Ballast;
  readonly resultBytesMax: number;
  /** Returns the number of executions that have not settled. */
  readonly unsettled: () => number;
  readonly store: {
    /** Bytes of the data file that hold nothing. */
    readonly reusableBytes: number;
    readonly unusable: boolean;
  };
}

export class Space {
  readonly #free: FreeSpace;
  #isRefilling = false;
  /** Admitted reservations that have not ended. The ledger does not count them yet. */
  #reserving = 0;

  constructor(private readonly options: SpaceOptions) {
    this.#free = new FreeSpace(options.directory);
  }

  /**
   * Admits one reservation, or throws ledger_unavailable or storage_full. Call the function it
   * returns once, when the reservation has ended.
   */
  admitReservation(bodyBytes: number): () => void {
    this.#admit(COMMIT_BYTES + bodyBytes + this.#resultBytes(), bodyBytes);
    this.#reserving++;
    return () => void this.#reserving--;
  }

  /** Admits receipts that belong to no execution, or throws ledger_unavailable or storage_full. */
  admitReceipts(): void {
    this.#admit(RECEIPTS_SHARE * (COMMIT_BYTES + this.#resultBytes()), 0);
  }

  /** Returns the code that a reservation would be refused with now, or null. */
  refusing(): "storage_full" | "ledger_unavailable" | null {
    try {
      this.#admit(COMMIT_BYTES + this.#resultBytes(), 0);
      return null;
    } catch (error) {
      return isStorageFull(error) ? "storage_full" : "ledger_unavailable";
    }
  }

  /**
   * Tries `act` up to `attempts` times in all while the disk is full. It gives up the ballast
   * before the second attempt.
   */
  async retryWhileFull<T>(attempts: number, act: () => Promise<T>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await act();
      } catch (error) {
        if (!isStorageFull(error)) throw error;
        this.#free.forget();
        if (attempt >= attempts) throw error;
        this.options.ballast.release();
        if (attempt > 1) await sleep(WAIT_MS);
      }
    }
  }

  /** The largest results of everything in flight, and of one more. */
  #resultBytes(): number {
    return (this.options.unsettled() + this.#reserving + 1) * this.options.resultBytesMax;
  }

  #admit(neededBytes: number, takenBytes: number): void {
    const { ballast, store } = this.options;
    if (store.unusable) throw new Refusal("ledger_unavailable");
    const freeBytes = measured(() => this.#free.bytes);
    if (!ballast.present && freeBytes > ballast.bytes + neededBytes) this.#refill();
    const missing = ballast.present ? neededBytes - freeBytes : neededBytes + ballast.bytes;
    // a pruned ledger goes on inside its data file, although the disk is full
    if (missing > 0 && measured(() => store.reusableBytes) / REUSABLE_SHARE < missing) {
      throw new Refusal("storage_full");
    }
    this.#free.take(takenBytes);
  }

  #refill(): void {
    if (this.#isRefilling) return;
    this.#isRefilling = true;
    void this.options.ballast.fill().finally(() => {
      this.#isRefilling = false;
      this.#free.forget();
    });
  }
}

/** Space that cannot be measured is no space: throws ledger_unavailable. */
function measured(bytes: () => number): number {
  try {
    return bytes();
  } catch {
    throw new Refusal("ledger_unavailable");
  }
}

function isStorageFull(error: unknown): boolean {
  return error instanceof Refusal && error.code === "storage_full";
}

const BALLAST_BYTES_MIN = 2 ** 20;
const BALLAST_BYTES_MAX = 2 ** 23;
const BALLAST_SHARE = 64;
const CHUNK_BYTES = 2 ** 16;

/**
 * A file that only takes up space, so that there is some to give up when the disk is full. It
 * holds random bytes, because a compressing file system stores zeros in no space at all.
 */
export class Ballast {
  readonly bytes: number;
  readonly #path: string;
  #present = false;
  /** Lets `fill` notice that the file it filled was released meanwhile. */
  #releases = 0;

  private constructor(directory: string) {
    const share = Math.floor(totalBytes(directory) / BALLAST_SHARE);
    this.bytes = Math.min(BALLAST_BYTES_MAX, Math.max(BALLAST_BYTES_MIN, share));
    this.#path = join(directory, "ballast");
  }

  /**
   * Fills the file if it is missing or cut short. On a full disk it counts as missing. Throws what
   * else is in the way: without ballast nothing would ever be admitted.
   */
  static async open(directory: string): Promise<Ballast> {
    const ballast = new Ballast(directory);
    try {
      await ballast.#fill();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      ballast.release();
    }
    return ballast;
  }

  get present(): boolean {
    return this.#present;
  }

  /** Fills it again while the ledger is open. Never rejects: what fails counts as missing. */
  async fill(): Promise<void> {
    await this.#fill().catch(() => this.release());
  }

  async #fill(): Promise<void> {
    const releases = this.#releases;
    using file = await Deno.open(this.#path, { write: true, create: true, mode: 0o600 });
    const { size } = await file.stat();
    await file.seek(size, Deno.SeekMode.Start);
    for (let left = this.bytes - size; left > 0;) {
      const chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
      left -= await file.write(crypto.getRandomValues(chunk));
    }
    this.#present = releases === this.#releases;
  }

  /** Never throws: if the file cannot be removed, the retry waits for space of another origin. */
  release(): void {
    this.#present = false;
    this.#releases++;
    try {
      Deno.removeSync(this.#path);
    } catch {
      return;
    }
  }
}
