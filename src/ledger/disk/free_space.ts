/** How much room a file system has left for us (statfs(2)). */

import { statfsSync } from "node:fs";

/** Bytes that an ordinary user may still write where `path` is. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** LMDB does not always say why it could not write. With less than this left, a full disk is taken for the reason. */
export const FULL_BYTES = 2 ** 20;

/** How long a look at the file system holds: at every commit it would take as long as to write a row. */
const LOOK_MS = 50;

/** What is left where `path` is, looked up now and then; what we take meanwhile is taken off. */
export class FreeSpace {
  #bytes = 0;
  #lookedAtMs = -Infinity;

  constructor(private readonly path: string) {}

  /** Throws where the file system does not say. */
  get bytes(): number {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs >= LOOK_MS) {
      this.#bytes = freeBytes(this.path);
      this.#lookedAtMs = nowMs;
    }
    return this.#bytes;
  }

  take(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** The next answer is a fresh one. */
  forget(): void {
    this.#lookedAtMs = -Infinity;
  }
}

/** Bytes of the whole file system where `path` is. */
export function totalBytes(path: string): number {
  const { blocks, bsize } = statfsSync(path);
  return blocks * bsize;
}

/** Whether a file could not be written because the disk, or our share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error &&
    (error.code === "ENOSPC" || error.code === "EDQUOT");
}
