/** Filters for system calls (seccomp(2)), and the promise not to gain privileges that they need. */

import { errno, errorText, libc } from "./libc.ts";

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
