/** How much room a file system has left for us (statfs(2)). */

import { statfsSync } from "node:fs";

/** Bytes that an ordinary user may still write where `path` is. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** Bytes of the whole file system where `path` is. */
export function totalBytes(path: string): number {
  const { blocks, bsize } = statfsSync(path);
  return blocks * bsize;
}

/** Whether a file could not be written because the disk, or our share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
