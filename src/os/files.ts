/**
 * Files and folders: what is at a path, whose it is, and which pages of it are mapped.
 *
 * Everything but the release of mapped pages goes through the C library alone. The runtime would
 * need permission to read every folder above a socket, and to write folders that are not known
 * beforehand.
 */

import { dirname } from "node:path";
import { utf8Decode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import { cString, EEXIST, ENODATA, ENOENT, ENOTSUP, errno, errorText, libc } from "./libc.ts";
import { readProc } from "./process.ts";

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

/**
 * Returns what is at a path, without following a last symbolic link; undefined when nothing is.
 * Throws a StartupError when it cannot be known.
 */
export function fileStatus(path: string): FileStatus | undefined {
  const buffer = new Uint8Array(STATX_BYTES);
  if (libc.statx(AT_FDCWD, cString(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, buffer) !== 0) {
    const code = errno();
    if (code === ENOENT) return undefined;
    throw new StartupError(
      `${path} cannot be examined: ${errorText(code)}`,
      "Let this user reach it",
    );
  }
  const view = new DataView(buffer.buffer);
  const mode = view.getUint16(28, true);
  const [major, minor] = [view.getUint32(136, true), view.getUint32(140, true)];
  return {
    kind: KINDS.get(mode & 0o170000) ?? "other",
    mode: mode & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    identity: `${major}:${minor}:${view.getBigUint64(32, true)}`,
  };
}

const R_OK = 4;
const W_OK = 2;
const X_OK = 1;

const MODES = { read: R_OK, write: W_OK, execute: X_OK };

export type Access = keyof typeof MODES;

/**
 * Returns why this process has no such access to what is at `path`, in the system's words; null
 * where it has. A mount that is read-only or without execution counts: access(2).
 */
export function accessFault(path: string, access: Access): string | null {
  return libc.access(cString(path), MODES[access]) === 0 ? null : errorText(errno());
}

/** Tells whether this user may make and remove files in that directory: access(2). */
export function isWritableDirectory(path: string): boolean {
  return fileStatus(path)?.kind === "directory" && libc.access(cString(path), W_OK | X_OK) === 0;
}

const PATH_BYTES_MAX = 4096;

/** Returns the path without links, `.` and `..`; undefined if it leads nowhere or is not UTF-8. */
export function realPath(path: string): string | undefined {
  const buffer = new Uint8Array(PATH_BYTES_MAX);
  if (libc.realpath(cString(path), buffer) === null) return undefined;
  return utf8Decode(buffer.subarray(0, buffer.indexOf(0)));
}

/**
 * Makes `path` and what is missing above it, each with mode 0700. Leaves what is there as it is.
 * Throws a StartupError.
 */
export function makePrivateFolder(path: string): void {
  const reason = libc.mkdir(cString(path), 0o700) === 0 ? 0 : errno();
  if (reason === 0 || reason === EEXIST) return;
  if (reason === ENOENT && dirname(path) !== path) {
    makePrivateFolder(dirname(path));
    return makePrivateFolder(path);
  }
  throw new StartupError(
    `${path} cannot be made: ${errorText(reason)}`,
    "Make it, owned by this user",
  );
}

/** Returns where a symbolic link leads, as written in it. Throws a StartupError. */
export function readLink(path: string): string {
  const buffer = new Uint8Array(PATH_BYTES_MAX);
  const length = Number(libc.readlink(cString(path), buffer, BigInt(buffer.length)));
  const target = length < 0 ? undefined : utf8Decode(buffer.subarray(0, length));
  if (target === undefined) {
    throw new StartupError(`The link ${path} cannot be read`, "Name what it leads to");
  }
  return target;
}

const ACCESS_LIST = cString("system.posix_acl_access");
/** Errors of lgetxattr(2) where there is none, the file system has none, or there is no file. */
const NO_LIST = [ENODATA, ENOTSUP, ENOENT];

/**
 * Tells whether more users or groups than its mode shows have rights to it: acl(5). Where it
 * cannot be known, there is one.
 */
export function hasAccessList(path: string): boolean {
  const length = libc.lgetxattr(cString(path), ACCESS_LIST, null, 0n);
  return length < 0n ? !NO_LIST.includes(errno()) : length > 0n;
}

/** `gr_gid` in `struct group`, after two pointers. */
const GR_GID_OFFSET = 16;
/** The next number is chown(2)'s word for leaving a group as it is. */
const GID_MAX = 0xffff_fffe;

/**
 * Returns the number of a group, by its name or its number; undefined when the host knows no such
 * group. getgrnam(3) asks every source that the host is configured for.
 */
export function groupId(name: string): number | undefined {
  const entry = libc.getgrnam(cString(name));
  if (entry !== null) return new Deno.UnsafePointerView(entry).getUint32(GR_GID_OFFSET);
  return /^\d+$/.test(name) && Number(name) <= GID_MAX ? Number(name) : undefined;
}

const MADV_DONTNEED = 4;

/**
 * Gives back to the kernel every page of the file at `path` that was read through a shared map.
 *
 * Such a page counts as this process's memory until it is given back, although it is only the page
 * cache seen from here. The pages stay in the cache, and come back when they are read again.
 */
export function releaseMappedFile(path: string): void {
  // proc_pid_maps(5): address range, permissions, offset, device, inode, path
  const shared = new RegExp(`^(\\w+)-(\\w+) ...s \\w+ \\S+ ${Deno.statSync(path).ino} `, "gm");
  for (const [, from, to] of (readProc("/proc/self/maps") ?? "").matchAll(shared)) {
    const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)];
    libc.madvise(start, end - start, MADV_DONTNEED);
  }
}
