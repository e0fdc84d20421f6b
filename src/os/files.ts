/**
 * What is at a path, without following a last symbolic link: statx(2), so that looking at the directories above a socket
 * needs no grant to read them.
 */

import { utf8Decode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import { cString, ENOENT, errno, errorText, pathCalls } from "./libc.ts";

export interface FileStatus {
  readonly kind: "directory" | "socket" | "link" | "other";
  /** Permission bits, set-uid, set-gid and sticky included (0o7777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Device and inode: the same for the same file only. */
  readonly identity: string;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const STATX_BYTES = 256;
const KINDS: ReadonlyMap<number, FileStatus["kind"]> = new Map([
  [0o040000, "directory"],
  [0o140000, "socket"],
  [0o120000, "link"],
]);

/** undefined when nothing is there. Throws a StartupError when it cannot be known. */
export function fileStatus(path: string): FileStatus | undefined {
  const buffer = new Uint8Array(STATX_BYTES);
  if (
    pathCalls().statx(AT_FDCWD, cString(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, buffer) !== 0
  ) {
    const code = errno();
    if (code === ENOENT) return undefined;
    throw new StartupError(
      `${path} cannot be examined: ${errorText(code)}`,
      "Let this user reach it",
    );
  }
  const view = new DataView(buffer.buffer);
  const mode = view.getUint16(28, true);
  return {
    kind: KINDS.get(mode & 0o170000) ?? "other",
    mode: mode & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    identity: `${view.getUint32(136, true)}:${view.getUint32(140, true)}:${
      view.getBigUint64(32, true)
    }`,
  };
}

const WRITABLE_FOR_OTHERS = 0o022;

/** Whether its mode lets others than its owner write to it. */
export function isWritableForOthers({ mode }: FileStatus): boolean {
  return (mode & WRITABLE_FOR_OTHERS) !== 0;
}

const W_OK = 2;
const X_OK = 1;

/** Whether this user may make and remove files in that directory: access(2). */
export function isWritableDirectory(path: string): boolean {
  return fileStatus(path)?.kind === "directory" &&
    pathCalls().access(cString(path), W_OK | X_OK) === 0;
}

const PATH_BYTES_MAX = 4096;

/** The path without links, `.` and `..`; undefined when it leads nowhere or is not UTF-8. */
export function realPath(path: string): string | undefined {
  const buffer = new Uint8Array(PATH_BYTES_MAX);
  if (pathCalls().realpath(cString(path), buffer) === null) return undefined;
  return utf8Decode(buffer.subarray(0, buffer.indexOf(0)));
}
