/** Lets a process give up more than files and system calls. */

import { errno, errorText, libc } from "./libc.ts";

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

/** CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root opens files by these. And CAP_NET_BIND_SERVICE. */
const KEPT_CAPABILITIES = 1 << 1 | 1 << 2 | 1 << 10;
/** _LINUX_CAPABILITY_VERSION_3 of linux/capability.h. */
const CAPABILITY_VERSION = 0x2008_0522;

/**
 * Leaves the calling thread, and what it starts, none of root's capabilities but those that
 * permissions are about. To be called after setNoNewPrivs(): else execve(2) gives root all of
 * them back. Throws an Error.
 */
export function giveUpCapabilities(): void {
  const header = new Uint32Array([CAPABILITY_VERSION, 0]);
  // struct __user_cap_data_struct[2]: effective, permitted, inheritable; the lower half first
  const data = new Uint32Array(6);
  if (libc.capget(header, data) !== 0) throw notGivenUp();
  const kept = (data[1] ?? 0) & KEPT_CAPABILITIES;
  const wanted = [kept, kept, 0, 0, 0, 0];
  // A service manager's filter may refuse capset(2) to a process that has nothing to give up.
  if (wanted.every((bits, index) => bits === data[index])) return;
  data.set(wanted);
  if (libc.capset(header, data) !== 0) throw notGivenUp();
}

function notGivenUp(): Error {
  return new Error(`capabilities cannot be given up: ${errorText(errno())}`);
}

/** Files that this process makes from now on have none of the permission bits in `mask`. */
export function setUmask(mask: number): void {
  libc.umask(mask);
}
