/**
 * Other processes as the kernel sees them: whether one is still itself, what it may use, and how to end it.
 *
 * Everything goes through the C library, because the runtime asks for every permission there is before it opens
 * /proc/PID or sends a signal to a process group. Invariant: a process is known by pid and start time together, since
 * a pid alone is handed out again.
 */

import { utf8Encode } from "../core/bytes.ts";
import { cString, fileCalls, folderCalls, processCalls } from "./libc.ts";

const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;

/** setrlimit(2) resources. */
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_CORE = 4;

export const SIGKILL = 9;

/** When a process started, in a form that differs after a reboot too; null when it is gone or only waits to be reaped. */
export function startTimeOf(pid: number): string | null {
  const fields = fieldsOf(pid);
  const boot = bootId();
  if (fields === null || boot === null) return null;
  const [state, ticks] = [fields[0], fields[19]];
  return ticks === undefined || state === "Z" || state === "X" ? null : `${boot} ${ticks}`;
}

/** Whether what `startTimeOf` once said was said since the machine started. */
export function isOfThisBoot(startTime: string): boolean {
  const boot = bootId();
  return boot !== null && startTime.startsWith(`${boot} `);
}

/** What the kernel made up for itself as the machine started; null when it cannot be read. */
export function bootId(): string | null {
  return readProc(BOOT_ID)?.trim() ?? null;
}

/** Of proc_pid_stat(5), from the third on: the name before them may hold anything, so they are counted from the last parenthesis. */
function fieldsOf(pid: number): readonly string[] | null {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Whether a process group has a member that does not only wait to be reaped. */
export function isGroupAlive(group: number): boolean {
  for (const pid of processes()) {
    if (processCalls().getpgid(pid) === group && startTimeOf(pid) !== null) return true;
  }
  return false;
}

/** Sends `signal` to a process, or with a negative number to a process group. false when there is none, or not ours. */
export function sendSignal(pid: number, signal: number): boolean {
  return processCalls().kill(pid, signal) === 0;
}

/** Of -1000 (never) to 1000 (first): whom the kernel ends when the machine runs out of memory. false when it cannot be set. */
export function setOomScoreAdj(pid: number, score: number): boolean {
  const descriptor = fileCalls().open(cString(`/proc/${pid}/oom_score_adj`), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const text = utf8Encode(String(score));
  const written = fileCalls().write(descriptor, text, BigInt(text.length));
  fileCalls().close(descriptor);
  return written === BigInt(text.length);
}

/** Bytes of private writable memory a process has mapped: what RLIMIT_DATA bounds. null when it is gone. */
export function dataBytesOf(pid: number): number | null {
  const kibibytes = /^VmData:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`) ?? "")?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** Sets the soft limit of another process, as far as its hard limit goes; null lifts it that far. false when it cannot be set. */
export function setSoftLimit(pid: number, resource: number, bytes: number | null): boolean {
  const current = new BigUint64Array(2);
  if (processCalls().prlimit(pid, resource, null, current) !== 0) return false;
  const hard = current[1] ?? 0n;
  const soft = bytes === null || BigInt(bytes) > hard ? hard : BigInt(bytes);
  return processCalls().prlimit(pid, resource, new BigUint64Array([soft, hard]), null) === 0;
}

/** Offset of d_name in a struct dirent (readdir(3)) of 64-bit Linux. */
const NAME_OFFSET = 19;

/** Pids of all processes that this one may see. */
function* processes(): Generator<number> {
  const directory = folderCalls().opendir(cString("/proc"));
  if (directory === null) return;
  try {
    for (;;) {
      const entry = folderCalls().readdir(directory);
      if (entry === null) return;
      const pid = Number(new Deno.UnsafePointerView(entry).getCString(NAME_OFFSET));
      if (Number.isInteger(pid)) yield pid;
    }
  } finally {
    folderCalls().closedir(directory);
  }
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const PROC_BYTES_MAX = 16_384;

/** One character for each byte: a process may give itself a name that is no UTF-8, and must not become invisible by it. */
const latin1 = new TextDecoder("latin1");

/** Text of a small file that the kernel makes up, each byte as one character; null when it cannot be read. */
function readProc(path: string): string | null {
  const descriptor = fileCalls().open(cString(path), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return null;
  const buffer = new Uint8Array(PROC_BYTES_MAX);
  const length = fileCalls().read(descriptor, buffer, BigInt(buffer.length));
  fileCalls().close(descriptor);
  return length < 0n ? null : latin1.decode(buffer.subarray(0, Number(length)));
}
