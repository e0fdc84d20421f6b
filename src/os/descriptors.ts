/**
 * The descriptors of this process: how many there may be, and which of them the next program gets.
 *
 * lmdb's data file and the listening sockets are open without close-on-exec, and would otherwise be
 * open in every executor.
 */

import { errno, errorText, libc, O_CLOEXEC } from "./libc.ts";
import { limitOf, RLIMIT_NOFILE } from "./process.ts";

/** The same number on every architecture (Linux 5.9). */
const SYS_CLOSE_RANGE = 436n;
/** Linux 5.11. */
const CLOSE_RANGE_CLOEXEC = 4n;
const DESCRIPTOR_MAX = 0xffff_ffffn;

/** Marks every open descriptor from `first` on close-on-exec. Throws an Error if it cannot. */
export function markDescriptorsCloseOnExec(first = 3): void {
  if (libc.syscall(SYS_CLOSE_RANGE, BigInt(first), DESCRIPTOR_MAX, CLOSE_RANGE_CLOEXEC) !== 0n) {
    throw new Error(`descriptors cannot be kept from children: ${errorText(errno())}`);
  }
}

/**
 * Returns how many descriptors may be open at once: the soft limit, which the runtime raises to the
 * hard one when it starts.
 */
export function descriptorLimit(): number {
  return Math.min(limitOf(RLIMIT_NOFILE), Number.MAX_SAFE_INTEGER);
}

/**
 * Makes a pipe that no other program gets. Returns undefined where none can be had, and errno()
 * says why.
 */
export function makePipe(): readonly [read: number, write: number] | undefined {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) return undefined;
  const [read = -1, write = -1] = ends;
  return [read, write];
}
