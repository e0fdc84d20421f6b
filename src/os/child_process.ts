/**
 * Child processes by posix_spawn(3).
 *
 * The runtime's own way to spawn asks for `--allow-run`, which would let any code in the daemon
 * start any program. This one needs no such permission, and it hands over exactly the descriptors
 * it names.
 *
 * Invariants: a child has the descriptors 0 to 3 and no other, no variable that is not given, no
 * blocked signal, and leads a session and a process group of its own. Its pid goes back to the
 * kernel only after its whole group was ended, so that no other process is ever hit.
 */

import { fileStatus } from "./files.ts";
import {
  AF_UNIX,
  cString,
  errorText,
  libc,
  O_CLOEXEC,
  O_RDWR,
  pointersTo,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  variableTexts,
} from "./libc.ts";
import { sendSignal, SIGKILL } from "./process.ts";

export interface ChildOrder {
  /** Absolute path of the executable. */
  readonly path: string;
  /** Arguments after the program's name. */
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A child, and our two ends of its descriptors, both close-on-exec. */
export interface Child {
  readonly pid: number;
  /** The other end of its descriptor 3: a stream socket. */
  readonly channel: number;
  /** The end of a pipe to read its standard error from. */
  readonly stderr: number;
}

/** Flags of posix_spawnattr_setflags(3). */
const SETSIGMASK = 0x08;
const SETSID = 0x80;
/** More than glibc's posix_spawnattr_t (336 bytes) and posix_spawn_file_actions_t (80) take. */
const OPAQUE_BYTES = 1024;

/**
 * Starts a child that works in /. Its standard input and output are /dev/null, or closed pipes in a
 * root without one. Throws an Error.
 */
export function spawnChild(order: ChildOrder): Child {
  const open: number[] = [];
  const pipe = (): Ends => pair((ends) => libc.pipe2(ends, O_CLOEXEC), open);
  let kept: readonly number[] = [];
  try {
    const [channel, theirs] = pair(
      (ends) => libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
      open,
    );
    const [stderr, written] = pipe();
    const isBare = fileStatus("/dev/null") === undefined;
    // two pipes, since what goes into one would come out of it again
    const input = isBare ? pipe()[0] : null;
    const output = isBare ? pipe()[1] : null;
    const pid = start(order, [input, output, written, theirs]);
    kept = [channel, stderr];
    return { pid, channel, stderr };
  } catch (error) {
    throw new Error(`${order.path} cannot be started`, { cause: error });
  } finally {
    for (const descriptor of open) if (!kept.includes(descriptor)) libc.close(descriptor);
  }
}

/** Two descriptors, the one to read from first. */
type Ends = readonly [number, number];

/** Makes two descriptors and adds both to `open`. */
function pair(make: (ends: Int32Array<ArrayBuffer>) => number, open: number[]): Ends {
  const ends = new Int32Array(2);
  if (make(ends) !== 0) throw new Error("no descriptor is left");
  const [first = -1, second = -1] = ends;
  open.push(first, second);
  return [first, second];
}

/** `descriptors` become the child's 0, 1, 2 and so on; null is /dev/null. */
function start(
  { path, args, environment }: ChildOrder,
  descriptors: readonly (number | null)[],
): number {
  const [argv, envp] = [pointersTo([path, ...args]), pointersTo(variableTexts(environment))];
  const pid = new Int32Array(1);
  const attributes = new Uint8Array(OPAQUE_BYTES);
  const actions = new Uint8Array(OPAQUE_BYTES);
  must(libc.posix_spawnattr_init(attributes)); // its signal mask is empty: nothing is blocked
  must(libc.posix_spawnattr_setflags(attributes, SETSID | SETSIGMASK));
  must(libc.posix_spawn_file_actions_init(actions));
  try {
    for (const [theirs, ours] of descriptors.entries()) {
      must(
        ours === null
          ? libc.posix_spawn_file_actions_addopen(actions, theirs, cString("/dev/null"), O_RDWR, 0)
          : libc.posix_spawn_file_actions_adddup2(actions, ours, theirs),
      );
    }
    must(libc.posix_spawn_file_actions_addclosefrom_np(actions, descriptors.length));
    must(libc.posix_spawn_file_actions_addchdir_np(actions, cString("/")));
    must(
      libc.posix_spawn(pid, cString(path), actions, attributes, argv.addresses, envp.addresses),
    );
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
    argv.release();
    envp.release();
  }
  return pid[0] ?? 0;
}

/** Throws for functions that return an errno. */
function must(code: number): void {
  if (code !== 0) throw new Error(errorText(code));
}

const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const CLD_EXITED = 1;
const SIGINFO_BYTES = 128;

/** The signals that mostly end a process. */
const SIGNALS: ReadonlyMap<number, string> = new Map([
  [4, "SIGILL"],
  [5, "SIGTRAP"],
  [6, "SIGABRT"],
  [7, "SIGBUS"],
  [9, "SIGKILL"],
  [11, "SIGSEGV"],
  [15, "SIGTERM"],
  [24, "SIGXCPU"],
  [25, "SIGXFSZ"],
  [31, "SIGSYS"],
]);

/** How a process ended. */
export interface Exit {
  /** In words, such as "exit code 1" or "SIGKILL". */
  readonly text: string;
  /** Whether it ended itself, with an exit code, and was not ended by a signal. */
  readonly isOwn: boolean;
}

/**
 * Says how a child ended, and ends what is left of its process group; null while it lives. Call it
 * until it says so, and not again: the pid may then be another's.
 */
export function exitOfChild(pid: number): Exit | null {
  // siginfo_t: si_code at 8, si_pid at 16, si_status at 24
  const info = new DataView(new ArrayBuffer(SIGINFO_BYTES));
  const bytes = new Uint8Array(info.buffer);
  const isKnown = libc.waitid(P_PID, pid, bytes, WEXITED | WNOHANG | WNOWAIT) === 0;
  // no child of ours, so nothing may be done to that pid
  if (!isKnown) return { text: "unseen", isOwn: false };
  if (info.getInt32(16, true) !== pid) return null;
  sendSignal(-pid, SIGKILL);
  libc.waitid(P_PID, pid, bytes, WEXITED | WNOHANG);
  const status = info.getInt32(24, true);
  const isOwn = info.getInt32(8, true) === CLD_EXITED;
  return { text: isOwn ? `exit code ${status}` : SIGNALS.get(status) ?? `signal ${status}`, isOwn };
}
