/**
 * Lets a process give up more than files: capabilities, and system calls (seccomp(2)), with the
 * promise not to gain privileges that filters of these need.
 */

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

const PR_SET_NO_NEW_PRIVS = 38;
/** The number of seccomp(2), by machine. */
const SYS_SECCOMP = { x86_64: 317n, aarch64: 277n } as const;
const GET_ACTION_AVAILABLE = 2;
const RETURN_ERRNO = new Uint32Array([0x0005_0000]);

/**
 * Tells whether system calls can be filtered: the kernel can, and nothing here refuses seccomp(2).
 */
export function hasSeccomp(): boolean {
  const number = SYS_SECCOMP[Deno.build.arch];
  return libc.seccomp(number, GET_ACTION_AVAILABLE, 0, RETURN_ERRNO) === 0n;
}

/**
 * No program that this thread becomes or starts gains privileges by its set-id bits, from here on.
 * Throws an Error.
 */
export function setNoNewPrivs(): void {
  if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) {
    throw new Error(`new privileges cannot be forbidden: ${errorText(errno())}`);
  }
}

const SECCOMP_SET_MODE_FILTER = 1;
/** All threads of the process, or none. */
const FILTER_FLAG_TSYNC = 1;

/**
 * Filters every thread of this process, and all that it starts, for good. `program` is struct
 * sock_filter[], two words each. Throws an Error.
 */
export function filterAllThreads(program: Uint32Array<ArrayBuffer>): void {
  // struct sock_fprog: the length in its first two bytes, a pointer after six of padding
  const instructions = BigInt(program.length / 2);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(program));
  const header = new BigUint64Array([instructions, address]);
  const { seccomp } = libc;
  const number = SYS_SECCOMP[Deno.build.arch];
  // a thread that cannot be brought along is named by a positive result
  const result = seccomp(number, SECCOMP_SET_MODE_FILTER, FILTER_FLAG_TSYNC, header);
  program.fill(0); // used after the call, so that nothing took its memory before
  if (result !== 0n) throw new Error(`system calls cannot be filtered: ${errorText(errno())}`);
}
