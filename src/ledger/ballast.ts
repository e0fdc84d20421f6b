/**
 * Ballast: a file that only takes up space, so that there is some to give up when the disk is full and outcomes have to
 * be written (docs/decisions/ballast.md).
 *
 * It is filled with random bytes, because a file system that compresses would store zeros in no space at all.
 */

import { join } from "node:path";
import { totalBytes } from "./disk/free_space.ts";

const BYTES_MIN = 2 ** 20;
const BYTES_MAX = 2 ** 23;
const SHARE = 64;
const CHUNK_BYTES = 2 ** 16;

export class Ballast {
  readonly bytes: number;
  readonly #path: string;
  #present = false;
  /** Counts releases, so that filling a file that was released meanwhile does not count as present. */
  #releases = 0;

  private constructor(directory: string) {
    this.bytes = Math.min(
      BYTES_MAX,
      Math.max(BYTES_MIN, Math.floor(totalBytes(directory) / SHARE)),
    );
    this.#path = join(directory, "ballast");
  }

  /** Fills it where it is missing or cut short; where that fails, on a full disk or otherwise, it is missing. */
  static async open(directory: string): Promise<Ballast> {
    const ballast = new Ballast(directory);
    await ballast.fill();
    return ballast;
  }

  get present(): boolean {
    return this.#present;
  }

  /** Never rejects. */
  async fill(): Promise<void> {
    const releases = this.#releases;
    try {
      using file = await Deno.open(this.#path, { write: true, create: true, mode: 0o600 });
      const { size } = await file.stat();
      await file.seek(size, Deno.SeekMode.Start);
      for (let left = this.bytes - size; left > 0;) {
        left -= await file.write(
          crypto.getRandomValues(new Uint8Array(Math.min(left, CHUNK_BYTES))),
        );
      }
      this.#present = releases === this.#releases;
    } catch {
      this.release();
    }
  }

  /** What cannot be removed stays: whoever needed the room waits for it as for any other. */
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
