/** Measures the space left on a file system (statfs(2)), and recognises a full one. */

import { statfsSync } from "node:fs";
import { Refusal } from "../../core/errors.ts";

/** Less than this counts as full: LMDB does not always say why it could not write. */
export const FULL_BYTES = 2 ** 20;

/** How long a measurement stays valid. One for every commit would cost as much as a row. */
const VALID_MS = 50;

/** Returns the bytes that an ordinary user may still write at `path`. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** Returns the size of the file system at `path`. */
export function totalBytes(path: string): number {
  const { blocks, bsize } = statfsSync(path);
  return blocks * bsize;
}

/** The space left at a path, measured now and then; `take` accounts for our writes in between. */
export class FreeSpace {
  #bytes = 0;
  #measuredAtMs = -Infinity;

  constructor(private readonly path: string) {}

  /** Throws if the file system does not say. */
  get bytes(): number {
    const nowMs = performance.now();
    if (nowMs - this.#measuredAtMs >= VALID_MS) {
      this.#bytes = freeBytes(this.path);
      this.#measuredAtMs = nowMs;
    }
    return this.#bytes;
  }

  take(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Makes the next answer a fresh measurement. */
  forget(): void {
    this.#measuredAtMs = -Infinity;
  }
}

/** Says whether a file could not be written because the disk, or our quota, is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/**
 * Throws storage_full or ledger_unavailable for a file beside the database that could not be
 * written. Rethrows everything else.
 */
export function refuseFileError(error: unknown): never {
  if (error instanceof Refusal || !(error instanceof Error) || !("code" in error)) throw error;
  throw new Refusal(isDiskFull(error) ? "storage_full" : "ledger_unavailable");
}
