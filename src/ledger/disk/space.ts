/**
 * Room: whether there is space to begin something that will have to be written down at its end.
 *
 * Invariants:
 * - Nothing is reserved unless everything in flight, and this, could settle with the largest result allowed. What was
 *   admitted is in flight from then on, though its commit comes later: of a burst the last one counts all the others.
 * - Receipts that belong to no execution stop long before that.
 * - Once the ballast had to be given up nothing new is taken until it is back, or the data file itself has as much room.
 */

import { Refusal } from "../../core/errors.ts";
import type { Ballast } from "../ballast.ts";
import { FreeSpace, isDiskFull } from "./free_space.ts";

/** What a commit may take besides bodies: copies of the pages it changes. */
const COMMIT_BYTES = 2 ** 19;
/** Receipts without an execution leave this many times as much. */
const RECEIPTS_SHARE = 4;
/** Large values need pages in a row, and readers may still hold some: of what is reusable, one in so many counts. */
const REUSABLE_SHARE = 2;
const WAIT_MS = 100;

/** How often an operator's act is tried on a full disk before it is refused. */
export const OPERATOR_ATTEMPTS = 3;

export interface RoomParts {
  readonly directory: string;
  readonly ballast: Ballast;
  readonly resultBytesMax: number;
  readonly unsettled: () => number;
  /** Bytes of the data file that hold nothing. */
  readonly reusableBytes: () => number;
  /** Whether the store gave up. */
  readonly unusable: () => boolean;
}

export class Room {
  readonly #free: FreeSpace;
  #filling = false;
  /** Reservations that were admitted and have not ended: what they will have to write is in no count of the ledger yet. */
  #reserving = 0;

  constructor(private readonly parts: RoomParts) {
    this.#free = new FreeSpace(parts.directory);
  }

  /** Throws ledger_unavailable, storage_full. What it returns is to be called once, when the reservation has ended. */
  admitReservation(bodyBytes: number): () => void {
    this.#admit(COMMIT_BYTES + bodyBytes + this.#resultBytes(), bodyBytes);
    this.#reserving++;
    return () => void this.#reserving--;
  }

  /** For receipts nobody waits for; throws ledger_unavailable, storage_full. */
  admitReceipts(): void {
    this.#admit(RECEIPTS_SHARE * (COMMIT_BYTES + this.#resultBytes()), 0);
  }

  /** What a reservation would be refused with now. */
  refusing(): "storage_full" | "ledger_unavailable" | null {
    try {
      this.#admit(COMMIT_BYTES + this.#resultBytes(), 0);
      return null;
    } catch (error) {
      return error instanceof Refusal && error.code === "storage_full"
        ? "storage_full"
        : "ledger_unavailable";
    }
  }

  /** Tries `attempts` times in all while the disk is full; before it tries again it gives up the ballast. */
  async insist<T>(attempts: number, act: () => Promise<T>): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== "storage_full") throw error;
        this.#free.forget();
        if (attempt >= attempts) throw error;
        this.parts.ballast.release();
        if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
      }
    }
  }

  /** The largest results of all that is in flight, and of one more. */
  #resultBytes(): number {
    return (this.parts.unsettled() + this.#reserving + 1) * this.parts.resultBytesMax;
  }

  #admit(neededBytes: number, takenBytes: number): void {
    if (this.parts.unusable()) throw new Refusal("ledger_unavailable");
    const freeBytes = this.#freeBytes();
    const { ballast } = this.parts;
    if (!ballast.present && freeBytes > ballast.bytes + neededBytes) this.#refill();
    const missing = ballast.present ? neededBytes - freeBytes : neededBytes + ballast.bytes;
    if (missing > 0 && this.#reusableBytes() < missing) throw new Refusal("storage_full");
    this.#free.take(takenBytes);
  }

  /** In the data file, where a ledger that was pruned goes on although the disk is full. */
  #reusableBytes(): number {
    try {
      return this.parts.reusableBytes() / REUSABLE_SHARE;
    } catch {
      throw new Refusal("ledger_unavailable");
    }
  }

  /** On the file system, for what is new. */
  #freeBytes(): number {
    try {
      return this.#free.bytes;
    } catch {
      throw new Refusal("ledger_unavailable");
    }
  }

  #refill(): void {
    if (this.#filling) return;
    this.#filling = true;
    void this.parts.ballast.fill().finally(() => {
      this.#filling = false;
      this.#free.forget();
    });
  }
}

/** Throws storage_full or ledger_unavailable for a file beside the database that cannot be written, else what it is given. */
export function refusalOfFileError(error: unknown): never {
  if (error instanceof Refusal || !(error instanceof Error) || !("code" in error)) throw error;
  throw new Refusal(isDiskFull(error) ? "storage_full" : "ledger_unavailable");
}
