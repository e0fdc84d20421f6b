/**
 * Child processes by posix_spawn(3): the daemon starts executors without the runtime's permission to run programs.
 *
 * Invariants: a child has the descriptors 0 to 3 and no other, no variable that is not given, no blocked signal, and leads a
 * session and a process group of its own; its number goes back to the kernel only after all of its group was ended, so that
 * no other process is ever hit.
 */

import { fileStatus } from "./files.ts";
import {
  childCalls,
  cString,
  errorText,
  fileCalls,
  pointersTo,
  variableTexts,
  waitCalls,
} from "./libc.ts";
import { sendSignal, SIGKILL } from "./process.ts";
import { AF_UNIX } from "./unix_address.ts";

export interface ChildOrder {
  /** Absolute path of the executable. */
  readonly path: string;
  /** Those after the program's name. */
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

/** With two descriptors of ours, both close-on-exec. What else this process has open is as it was. */
export interface Child {
  readonly pid: number;
  /** The other end of its descriptor 3, a pair of connected stream sockets. */
  readonly channel: number;
  /** What it writes on its standard error, a pipe. */
  readonly stderr: number;
}

const SOCK_STREAM = 1;
const O_RDWR = 2;
const CLOEXEC = 0o2000000;
/** Of posix_spawnattr_setflags(3). */
const SETSIGMASK = 0x08;
const SETSID = 0x80;
/** More than glibc's posix_spawnattr_t (336) and posix_spawn_file_actions_t (80) take. */
const OPAQUE_BYTES = 1024;

/** Its standard input and output are /dev/null, or closed pipes where a bare root has none; it works in /. Throws an Error. */
export function spawnChild(order: ChildOrder): Child {
  const { pipe2, socketpair } = childCalls();
  const open: number[] = [];
  const pipe = (): Ends => pair((ends) => pipe2(ends, CLOEXEC), open);
  let kept: readonly number[] = [];
  try {
    const [channel, theirs] = pair(
      (ends) => socketpair(AF_UNIX, SOCK_STREAM | CLOEXEC, 0, ends),
      open,
    );
    const [stderr, written] = pipe();
    const isBare = fileStatus("/dev/null") === undefined;
    // of two pipes, since what goes into one would come out of it again
    const input = isBare ? pipe()[0] : null;
    const output = isBare ? pipe()[1] : null;
    const pid = start(order, [input, output, written, theirs]);
    kept = [channel, stderr];
    return { pid, channel, stderr };
  } catch (error) {
    throw new Error(`${order.path} cannot be started`, { cause: error });
  } finally {
    for (const descriptor of open) if (!kept.includes(descriptor)) fileCalls().close(descriptor);
  }
}

/** Two descriptors, the one to read from first. */
type Ends = readonly [number, number];

/** Notes both in `open`. */
function pair(make: (ends: Int32Array<ArrayBuffer>) => number, open: number[]): Ends {
  const ends = new Int32Array(2);
  if (make(ends) !== 0) throw new Error("no descriptor is left");
  const [first = -1, second = -1] = ends;
  open.push(first, second);
  return [first, second];
}

/** `descriptors`: what the child has as 0, 1, 2 and so on; null for /dev/null. */
function start(
  { path, args, environment }: ChildOrder,
  descriptors: readonly (number | null)[],
): number {
  const calls = childCalls();
  const [argv, envp] = [pointersTo([path, ...args]), pointersTo(variableTexts(environment))];
  const pid = new Int32Array(1);
  const attributes = new Uint8Array(OPAQUE_BYTES);
  const actions = new Uint8Array(OPAQUE_BYTES);
  must(calls.posix_spawnattr_init(attributes)); // also says that no signal is blocked
  must(calls.posix_spawnattr_setflags(attributes, SETSID | SETSIGMASK));
  must(calls.posix_spawn_file_actions_init(actions));
  try {
    for (const [theirs, ours] of descriptors.entries()) {
      must(
        ours === null
          ? calls.posix_spawn_file_actions_addopen(actions, theirs, cString("/dev/null"), O_RDWR, 0)
          : calls.posix_spawn_file_actions_adddup2(actions, ours, theirs),
      );
    }
    must(calls.posix_spawn_file_actions_addclosefrom_np(actions, descriptors.length));
    must(calls.posix_spawn_file_actions_addchdir_np(actions, cString("/")));
    must(
      calls.posix_spawn(pid, cString(path), actions, attributes, argv.addresses, envp.addresses),
    );
  } finally {
    calls.posix_spawn_file_actions_destroy(actions);
    argv.release();
    envp.release();
  }
  return pid[0] ?? 0;
}

/** These functions return what others leave in errno. */
function must(code: number): void {
  if (code !== 0) throw new Error(errorText(code));
}

const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const CLD_EXITED = 1;
const SIGINFO_BYTES = 128;

/** What a process mostly ends by, in words. */
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

/**
 * How a child ended, in words, with all that was left of its process group ended too; null while it lives. To be called until it
 * says so, and not again: the number may be another's after that.
 */
export function endOfChild(pid: number): string | null {
  const info = new DataView(new ArrayBuffer(SIGINFO_BYTES)); // siginfo_t: si_code at 8, si_pid at 16, si_status at 24
  const known = waitCalls().waitid(
    P_PID,
    pid,
    new Uint8Array(info.buffer),
    WEXITED | WNOHANG | WNOWAIT,
  );
  if (known !== 0) return "unseen"; // it is no child of ours, so nothing may be done to what has its number
  if (info.getInt32(16, true) !== pid) return null;
  sendSignal(-pid, SIGKILL);
  waitCalls().waitid(P_PID, pid, new Uint8Array(info.buffer), WEXITED | WNOHANG);
  const status = info.getInt32(24, true);
  if (info.getInt32(8, true) === CLD_EXITED) return `exit code ${status}`;
  return SIGNALS.get(status) ?? `signal ${status}`;
}
