/**
 * Takes the making of symbolic links away from this process (seccomp(2)), for good.
 *
 * The runtime checks a path as it is written, and the kernel follows the links in it. Code that can
 * make a link in a folder that it may read and write reaches every file of its user. The runtime's
 * own ways to make one ask for more permissions than that, but its `node:wasi` does not.
 */

import { errno, errorText, libc } from "./libc.ts";

const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2n;

/** A machine's name for seccomp (linux/audit.h), and its system calls. */
interface Machine {
  readonly audit: number;
  readonly symlinks: readonly number[];
}

/** io_uring does what system calls do, unseen by any filter. The same number everywhere. */
const IO_URING_SETUP = 425;

const MACHINES: Readonly<Record<typeof Deno.build.arch, Machine>> = {
  x86_64: { audit: 0xc000_003e, symlinks: [88, 266] },
  aarch64: { audit: 0xc000_00b7, symlinks: [36] },
};

// classic BPF (linux/filter.h) over struct seccomp_data
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const OFFSET_OF_NUMBER = 0;
const OFFSET_OF_MACHINE = 4;
const ALLOW = 0x7fff_0000;
const REFUSE = 0x0005_0001; // with EPERM
/** System calls of the x32 ABI have this bit, and other numbers than in the table. */
const X32 = 0x4000_0000;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/**
 * Forbids them for the calling thread and all that it starts from then on, so it is called before
 * the first worker. Throws an Error where the kernel cannot do it.
 */
export function forbidSymlinks(): void {
  const program = programOf(MACHINES[Deno.build.arch]);
  const header = new BigUint64Array([BigInt(program.length / 2), address(program)]);
  if (
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0 ||
    libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address(header), 0n, 0n) !== 0
  ) {
    throw new Error(`symbolic links cannot be forbidden: ${errorText(errno())}`);
  }
}

/** Returns a struct sock_filter[], each of 8 bytes. */
function programOf({ audit, symlinks }: Machine): Uint32Array<ArrayBuffer> {
  const refused = [...symlinks, IO_URING_SETUP];
  const instructions: Instruction[] = [
    [LOAD, 0, 0, OFFSET_OF_MACHINE],
    [JUMP_IF_EQUAL, 0, refused.length + 3, audit],
    [LOAD, 0, 0, OFFSET_OF_NUMBER],
    [JUMP_IF_AT_LEAST, refused.length + 1, 0, X32],
    ...refused.map((number, i): Instruction => [JUMP_IF_EQUAL, refused.length - i, 0, number]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE],
  ];
  return new Uint32Array(
    instructions.flatMap((
      [code, ifTrue, ifFalse, operand],
    ) => [code | ifTrue << 16 | ifFalse << 24, operand]),
  );
}

function address(memory: Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(memory));
}
