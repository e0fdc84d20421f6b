/**
 * A listening Unix socket that is born with its final mode and group.
 *
 * Invariants:
 * - Nobody but this uid can reach the socket before mode and group are final: it is bound in a directory of mode 0700 beside
 *   its path (`PATH~`) and only then renamed to PATH. A bound socket follows its name, and the rename takes the place of a
 *   stale one in one step, so there is no moment with another mode and none without a socket.
 * - A path that somebody answers on is never taken.
 */

import { dirname } from "node:path";
import { utf8Encode } from "../core/bytes.ts";
import { StartupError } from "../core/startup_error.ts";
import {
  cString,
  ECONNREFUSED,
  EEXIST,
  errno,
  errorText,
  fileCalls,
  folderCalls,
  processCalls,
  socketCalls,
} from "./libc.ts";
import { fileStatus } from "./files.ts";
import { AF_UNIX, SOCKET_PATH_BYTES_MAX, unixAddress } from "./unix_address.ts";

export interface UnixListener {
  readonly descriptor: number;
  readonly path: string;
  /** Which file it is, so that another daemon's socket at the same path is not taken for it. */
  readonly identity: string;
}

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const BACKLOG = 511;
/** (uid_t) -1: chown(2) leaves it as it is. */
const UNCHANGED = 0xffff_ffff;
const NAME_IN_BIRTHPLACE = "s";

/** `groupId` null leaves the group this process makes files with. Throws a StartupError. */
export function bindUnixListener(path: string, mode: number, groupId: number | null): UnixListener {
  const birthplace = `${path}~`;
  const born = `${birthplace}/${NAME_IN_BIRTHPLACE}`;
  if (utf8Encode(born).length > SOCKET_PATH_BYTES_MAX) {
    throw new StartupError(
      `The socket path ${path} is too long`,
      "Choose one of at most 104 bytes",
    );
  }
  clearStale(path);
  makeBirthplace(birthplace);
  try {
    const descriptor = bindAt(born, mode, groupId);
    requireDone("rename", folderCalls().rename(cString(born), cString(path)), path);
    return { descriptor, path, identity: fileStatus(path)?.identity ?? "" };
  } finally {
    folderCalls().unlink(cString(born));
    folderCalls().rmdir(cString(birthplace));
  }
}

/** Closes nothing: only takes the name away, and only if it still is this socket's. */
export function removeUnixListener(listener: UnixListener): void {
  if (fileStatus(listener.path)?.identity === listener.identity) {
    folderCalls().unlink(cString(listener.path));
  }
}

const POLLIN = 1;

/** Whether a connection waits to be accepted on a listening socket: poll(2), without waiting. */
export function isConnectionWaiting(descriptor: number): boolean {
  const entry = new DataView(new ArrayBuffer(8)); // struct pollfd
  entry.setInt32(0, descriptor, true);
  entry.setInt16(4, POLLIN, true);
  return socketCalls().poll(new Uint8Array(entry.buffer), 1n, 0) === 1 &&
    entry.getInt16(6, true) === POLLIN;
}

/** Refuses a path where there is something other than a socket that nobody answers on. */
function clearStale(path: string): void {
  const status = fileStatus(path);
  if (status === undefined) return;
  if (status.kind !== "socket") {
    throw new StartupError(
      `${path} is there and is no socket`,
      "Remove it, or choose another path",
    );
  }
  if (!isAbandoned(path)) {
    throw new StartupError(
      `Somebody answers on ${path}`,
      "Stop that daemon first, or choose another path",
    );
  }
}

/** Whether nobody listens there: the kernel must say so, any other answer counts as somebody. */
function isAbandoned(path: string): boolean {
  const descriptor = openSocket();
  try {
    const address = unixAddress(path);
    return socketCalls().connect(descriptor, address, address.length) !== 0 &&
      errno() === ECONNREFUSED;
  } finally {
    fileCalls().close(descriptor);
  }
}

/** A daemon that was killed may have left it behind; anything that is not exactly that is refused, before it is touched. */
function makeBirthplace(path: string): void {
  const reason = folderCalls().mkdir(cString(path), 0o700) === 0 ? 0 : errno();
  if (reason !== 0 && reason !== EEXIST) {
    throw new StartupError(
      `${dirname(path)} takes no socket: ${errorText(reason)}`,
      "Make it and own it",
    );
  }
  const status = fileStatus(path);
  if (
    status?.kind !== "directory" || status.uid !== processCalls().geteuid() ||
    (status.mode & 0o077) !== 0
  ) {
    throw new StartupError(
      `${path} is in the way`,
      "Remove it: the socket is made there before it is moved",
    );
  }
  folderCalls().unlink(cString(`${path}/${NAME_IN_BIRTHPLACE}`));
}

function bindAt(path: string, mode: number, groupId: number | null): number {
  const descriptor = openSocket();
  try {
    bindWithMode(descriptor, path, mode);
    if (groupId !== null) {
      requireDone("chown", folderCalls().chown(cString(path), UNCHANGED, groupId), path);
    }
    const status = fileStatus(path);
    // An inherited ACL replaces the umask: then this is not the mode that was asked for.
    if (status?.mode !== mode || (groupId !== null && status.gid !== groupId)) {
      throw new StartupError(
        `${path} did not get its mode and group`,
        "Remove the default ACL of its directory",
      );
    }
    requireDone("listen", socketCalls().listen(descriptor, BACKLOG), path);
    return descriptor;
  } catch (error) {
    fileCalls().close(descriptor);
    throw error;
  }
}

/** The umask is the process's: it is changed and restored without a step of the event loop in between. */
function bindWithMode(descriptor: number, path: string, mode: number): void {
  const address = unixAddress(path);
  const before = folderCalls().umask(0o777 & ~mode);
  const result = socketCalls().bind(descriptor, address, address.length);
  const reason = errno();
  folderCalls().umask(before);
  requireDone("bind", result, path, reason);
}

function openSocket(): number {
  const descriptor = socketCalls().socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new StartupError("No socket can be made", errorText(errno()));
  return descriptor;
}

const REMEDIES: Readonly<Record<string, string>> = {
  bind: "Make its directory writable for this user",
  chown: "Make this user a member of the socket's group, or leave `group` out",
  listen: "Look at this user's limits",
  rename: "Make its directory writable for this user",
};

function requireDone(call: string, result: number, path: string, reason = errno()): void {
  if (result === 0) return;
  throw new StartupError(
    `${call} failed for ${path}: ${errorText(reason)}`,
    REMEDIES[call] ?? "See the system's manual",
  );
}
