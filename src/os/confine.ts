/** Lets a process give up more than files and system calls. */

import { libc } from "./libc.ts";

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9n;

/**
 * Has the kernel end this process when the thread that started it ends. Throws an Error where
 * `parent` is not its parent any more.
 */
export function dieWithParent(parent: number): void {
  const { prctl, getppid } = libc;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n) !== 0 || getppid() !== parent) {
    throw new Error("the process that started this one has ended");
  }
}

/** Files that this process makes from now on have none of the permission bits in `mask`. */
export function setUmask(mask: number): void {
  libc.umask(mask);
}
