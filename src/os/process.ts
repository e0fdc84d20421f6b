/**
 * Processes as the kernel sees them: whether one is still itself, what it may use, and how to end
 * it; and the clock of this start of the machine.
 *
 * Everything goes through the C library, because the runtime asks for every permission there is
 * before it opens /proc/PID or sends a signal to a process group. Invariant: a process is known by
 * pid and start time together, since a pid alone is handed out again.
 */

import { utf8Encode } from "../core/bytes.ts";
import { type MachineClock, systemClock } from "../core/clock.ts";
import { StartupError } from "../core/startup_error.ts";
import {
  cString,
  ENOENT,
  EPERM,
  errno,
  errorText,
  ESRCH,
  libc,
  O_CLOEXEC,
  O_RDONLY,
  O_WRONLY,
} from "./libc.ts";

/** setrlimit(2) resources. */
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_CORE = 4;
export const RLIMIT_NOFILE = 7;

export const SIGHUP = 1;
export const SIGKILL = 9;

/**
 * Returns when a process started, in a form that differs after a reboot too; null when it is gone
 * or only waits to be reaped. One whose main thread has ended, and no other, looks as if it waited.
 * Throws a StartupError when it cannot be known.
 */
export function startTimeOf(pid: number): string | null {
  const fields = fieldsOf(pid);
  if (fields === null) {
    const code = errno();
    if (code === ENOENT || code === ESRCH || isOthers(pid)) return null;
    throw unknowable(`/proc/${pid}`, code);
  }
  const [state, threads, ticks] = [fields[0], Number(fields[17]), fields[19]];
  const isOver = state === "X" || (state === "Z" && threads <= 1);
  return isOver || ticks === undefined ? null : `${thisBoot()} ${ticks}`;
}

/** Tells whether a process is another user's: a daemon's executors are its own. */
function isOthers(pid: number): boolean {
  return libc.kill(pid, 0) !== 0 && errno() === EPERM;
}

/**
 * Tells whether a text of `startTimeOf` was made since the machine started. Throws a StartupError
 * when it cannot be known.
 */
export function isOfThisBoot(startTime: string): boolean {
  return startTime.startsWith(`${thisBoot()} `);
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** Returns the kernel's name for this start of the machine; null when it cannot be read. */
function bootId(): string | null {
  return readProc(BOOT_ID)?.trim() ?? null;
}

/** Throws a StartupError: without it no process is known again. */
function thisBoot(): string {
  const id = bootId();
  if (id === null) throw unknowable(BOOT_ID, errno());
  return id;
}

/**
 * Returns the fields of proc_pid_stat(5) from the third on. The second, a name, may hold anything,
 * so they are counted from the last parenthesis.
 */
function fieldsOf(pid: number): readonly string[] | null {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Returns the device number of a process's controlling terminal; 0 where it has none. */
export function terminalOf(pid: number): number {
  return Number(fieldsOf(pid)?.[4] ?? 0);
}

/** Tells whether a process ignores a signal, as one that nohup(1) started does SIGHUP. */
export function ignoresSignal(pid: number, signal: number): boolean {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readProc(`/proc/${pid}/status`) ?? "") ??
    [];
  return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/**
 * Tells whether a process group has a member that does not only wait to be reaped. Throws a
 * StartupError when it cannot be known.
 */
export function isGroupAlive(group: number): boolean {
  for (const pid of processes()) {
    if (libc.getpgid(pid) === group && startTimeOf(pid) !== null) return true;
  }
  return false;
}

/**
 * Sends `signal` to a process, or with a negative number to a process group. Returns false when
 * there is none, or it is not ours.
 */
export function sendSignal(pid: number, signal: number): boolean {
  return libc.kill(pid, signal) === 0;
}

/**
 * Sets how early the kernel ends a process when the machine runs out of memory: -1000 (never) to
 * 1000 (first). Returns false when it cannot be set.
 */
export function setOomScoreAdj(pid: number, score: number): boolean {
  const descriptor = libc.open(cString(`/proc/${pid}/oom_score_adj`), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const text = utf8Encode(String(score));
  const written = libc.write(descriptor, text, BigInt(text.length));
  libc.close(descriptor);
  return written === BigInt(text.length);
}

/**
 * Returns how many bytes of private writable memory a process has mapped, which RLIMIT_DATA bounds;
 * null when it is gone.
 */
export function dataBytesOf(pid: number): number | null {
  const kibibytes = /^VmData:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/**
 * Limits another process to `amount` for good, or to its hard limit where that is lower: it cannot
 * lift the limit again without a privilege. Returns false when it cannot be set.
 */
export function setLimit(pid: number, resource: number, amount: number): boolean {
  const current = new BigUint64Array(2);
  if (libc.prlimit(pid, resource, null, current) !== 0) return false;
  const hard = current[1] ?? 0n;
  const limit = BigInt(amount) > hard ? hard : BigInt(amount);
  return libc.prlimit(pid, resource, new BigUint64Array([limit, limit]), null) === 0;
}

/** Returns the soft limit of this process; Infinity where it has none. */
export function limitOf(resource: number): number {
  const limits = new BigUint64Array(2);
  if (libc.getrlimit(resource, limits) !== 0) throw new Error("a limit cannot be known");
  const [soft = 0n] = limits;
  return soft === RLIM_INFINITY ? Infinity : Number(soft);
}

const RLIM_INFINITY = 2n ** 64n - 1n;

/** Offset of d_name in a struct dirent (readdir(3)) of 64-bit Linux. */
const NAME_OFFSET = 19;

/** Yields the pids of all processes that this one may see. */
function* processes(): Generator<number> {
  const directory = libc.opendir(cString("/proc"));
  if (directory === null) throw unknowable("/proc", errno());
  try {
    for (;;) {
      const entry = libc.readdir(directory);
      if (entry === null) return;
      const pid = Number(new Deno.UnsafePointerView(entry).getCString(NAME_OFFSET));
      if (Number.isInteger(pid)) yield pid;
    }
  } finally {
    libc.closedir(directory);
  }
}

/** Absolute paths of the program and the libraries that this process has loaded, without addons. */
export function loadedLibraries(): string[] {
  const maps = readProc("/proc/self/maps", MAPS_BYTES_MAX) ?? "";
  const lines = maps.matchAll(/^\S+ r-xp \S+ \S+ \S+ +(\/.*)$/gm);
  const paths = Array.from(lines, ([, path = ""]) => path);
  return [...new Set(paths)].filter((path) => !path.endsWith(".node"));
}

const MAPS_BYTES_MAX = 4 * 1024 * 1024;
const PROC_BYTES_MAX = 16_384;

/** One character for each byte: a name that is no UTF-8 must not make a process invisible. */
const latin1 = new TextDecoder("latin1");

/** Reads a file that the kernel makes up, each byte as one character; null when it cannot. */
export function readProc(path: string, bytesMax = PROC_BYTES_MAX): string | null {
  const descriptor = libc.open(cString(path), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return null;
  let text = "";
  const buffer = new Uint8Array(PROC_BYTES_MAX);
  for (;;) {
    const length = Number(libc.read(descriptor, buffer, BigInt(buffer.length)));
    if (length > 0) text += latin1.decode(buffer.subarray(0, length));
    if (length > 0 && text.length < bytesMax) continue;
    libc.close(descriptor);
    return length < 0 ? null : text;
  }
}

/** A process that cannot be looked at must not be taken for one that is gone. */
function unknowable(what: string, code: number): StartupError {
  return new StartupError(
    `${what} cannot be read: ${errorText(code)}`,
    "Let this user read it, and the machine have descriptors and memory to spare",
  );
}

/** clock_gettime(2) clocks: since some time, and since the machine started, suspended or not. */
export const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

const SECOND_NANOS = 1_000_000_000n;

/** Returns what a clock of the kernel says, in nanoseconds. */
export function nanosecondsOf(clock: number): bigint {
  const time = new BigInt64Array(2); // struct timespec: seconds, nanoseconds
  libc.clock_gettime(clock, time);
  return (time[0] ?? 0n) * SECOND_NANOS + (time[1] ?? 0n);
}

/**
 * Returns what sysinfo(2) does, which counts the pages of every block device under a lock for it:
 * the seconds since the machine started, rounded up.
 */
function uptimeSeconds(): number {
  return Number((nanosecondsOf(CLOCK_BOOTTIME) + SECOND_NANOS - 1n) / SECOND_NANOS);
}

/** Read once: a process never sees another. */
let boot: string | undefined;

export const machineClock: MachineClock = {
  ...systemClock,
  uptimeMs: () => 1000 * uptimeSeconds(),
  bootId: () => boot ??= bootId() ?? "",
};
