/**
 * Unix sockets: listeners that are born with their final mode and group, addresses, and peers.
 *
 * Invariants:
 * - Only this uid can reach a socket before its mode and group are final. It is bound in a
 *   directory of mode 0700 beside its path (`PATH~`), and only then renamed to PATH. A bound socket
 *   follows its name, and the rename replaces a stale one in one step, so there is no moment with
 *   another mode and none without a socket.
 * - A path that somebody answers on is never taken.
 * - A peer is who the kernel says (SO_PEERCRED, socket(7)): it took uid, gid and pid at connect(2),
 *   and nothing that the peer sends can change them. A peer of another user namespace that has no
 *   uid here shows as the overflow uid (65534).
 */

import type { Socket } from "node:net";
import { dirname } from "node:path";
import { utf8Decode, utf8Encode } from "../../core/bytes.ts";
import { StartupError } from "../../core/startup_error.ts";
import { fileStatus } from "../files.ts";
import {
  AF_UNIX,
  cString,
  ECONNREFUSED,
  EEXIST,
  errno,
  errorText,
  libc,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../libc.ts";

export interface UnixListener {
  readonly descriptor: number;
  readonly path: string;
  /** Tells this socket's file from another daemon's socket at the same path. */
  readonly identity: string;
}

const BACKLOG = 511;
/** (uid_t) -1: chown(2) leaves the owner as it is. */
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
    requireDone("rename", libc.rename(cString(born), cString(path)), path);
    return { descriptor, path, identity: fileStatus(path)?.identity ?? "" };
  } finally {
    libc.unlink(cString(born));
    libc.rmdir(cString(birthplace));
  }
}

/** Takes the name away if it still is this socket's. Closes nothing. */
export function removeUnixListener(listener: UnixListener): void {
  if (fileStatus(listener.path)?.identity === listener.identity) {
    libc.unlink(cString(listener.path));
  }
}

/** Something can be read, or a connection accepted: poll(2). */
export const POLLIN = 1;

/** The other end was closed, or will send nothing more: poll(2). */
const POLLHUP = 0x10;
const POLLRDHUP = 0x2000;

/** Tells, without waiting, whether a connection waits to be accepted on a listening socket. */
export function isConnectionWaiting(descriptor: number): boolean {
  return eventsOf(descriptor, POLLIN) === POLLIN;
}

/** Tells whether the other end of a connection was closed or will send nothing more. */
export function isHungUp(descriptor: number): boolean {
  return (eventsOf(descriptor, POLLRDHUP) & (POLLHUP | POLLRDHUP)) !== 0;
}

/** Returns the events of poll(2) that are there now, of `asked` and those that always are told. */
function eventsOf(descriptor: number, asked: number): number {
  const entry = new DataView(new ArrayBuffer(8)); // struct pollfd
  entry.setInt32(0, descriptor, true);
  entry.setInt16(4, asked, true);
  return libc.poll(new Uint8Array(entry.buffer), 1n, 0) === 1 ? entry.getInt16(6, true) : 0;
}

/**
 * Begins a connection to a listening socket, without waiting, and returns how to end it. Where the
 * kernel refuses it nothing happens.
 */
export function knock(path: string): () => void {
  const descriptor = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return () => {};
  const address = unixAddress(path);
  libc.connect(descriptor, address, address.length);
  return () => libc.close(descriptor);
}

/** Refuses a path with anything there but a socket that nobody answers on. */
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

/** Only a refusal by the kernel says that nobody listens; any other answer counts as somebody. */
function isAbandoned(path: string): boolean {
  const descriptor = openSocket();
  try {
    const address = unixAddress(path);
    return libc.connect(descriptor, address, address.length) !== 0 && errno() === ECONNREFUSED;
  } finally {
    libc.close(descriptor);
  }
}

/** Accepts the directory a killed daemon left behind, and refuses anything else at its path. */
function makeBirthplace(path: string): void {
  const reason = libc.mkdir(cString(path), 0o700) === 0 ? 0 : errno();
  if (reason !== 0 && reason !== EEXIST) {
    throw new StartupError(
      `${dirname(path)} takes no socket: ${errorText(reason)}`,
      "Make it and own it",
    );
  }
  const status = fileStatus(path);
  const isOurs = status?.kind === "directory" && status.uid === libc.geteuid() &&
    (status.mode & 0o077) === 0;
  if (!isOurs) {
    throw new StartupError(
      `${path} is in the way`,
      "Remove it: the socket is made there before it is moved",
    );
  }
  libc.unlink(cString(`${path}/${NAME_IN_BIRTHPLACE}`));
}

function bindAt(path: string, mode: number, groupId: number | null): number {
  const descriptor = openSocket();
  try {
    bindWithMode(descriptor, path, mode);
    if (groupId !== null) {
      requireDone("chown", libc.chown(cString(path), UNCHANGED, groupId), path);
    }
    const status = fileStatus(path);
    // an inherited ACL replaces the umask: then the mode is not the one that was asked for
    if (status?.mode !== mode || (groupId !== null && status.gid !== groupId)) {
      throw new StartupError(
        `${path} did not get its mode and group`,
        "Remove the default ACL of its directory",
      );
    }
    requireDone("listen", libc.listen(descriptor, BACKLOG), path);
    return descriptor;
  } catch (error) {
    libc.close(descriptor);
    throw error;
  }
}

/** Changes the process's umask and restores it in the same turn of the event loop. */
function bindWithMode(descriptor: number, path: string, mode: number): void {
  const address = unixAddress(path);
  const before = libc.umask(0o777 & ~mode);
  try {
    requireDone("bind", libc.bind(descriptor, address, address.length), path);
  } finally {
    libc.umask(before);
  }
}

function openSocket(): number {
  const descriptor = libc.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new StartupError("No socket can be made", errorText(errno()));
  return descriptor;
}

const REMEDIES: Readonly<Record<string, string>> = {
  bind: "Make its directory writable for this user",
  chown: "Make this user a member of the socket's group, or leave `group` out",
  listen: "Look at this user's limits",
  rename: "Make its directory writable for this user",
};

function requireDone(call: string, result: number, path: string): void {
  if (result === 0) return;
  throw new StartupError(
    `${call} failed for ${path}: ${errorText(errno())}`,
    REMEDIES[call] ?? "See the system's manual",
  );
}

/** Bytes of a path that fit into `struct sockaddr_un` (unix(7)), without the NUL. */
export const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Returns two bytes of address family, then the path and NUL, or NUL and an abstract name, which is
 * written as `@name`, as NOTIFY_SOCKET has it. Throws a RangeError for a path that does not fit.
 */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const abstract = path.startsWith("@");
  const bytes = utf8Encode(path);
  if (bytes.length > SOCKET_PATH_BYTES_MAX) {
    throw new RangeError(`a socket's path has at most ${SOCKET_PATH_BYTES_MAX} bytes`);
  }
  const address = new Uint8Array(2 + bytes.length + (abstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  if (abstract) address[2] = 0;
  return address;
}

/** Returns the path in an address of `length` bytes; undefined for abstract and unnamed sockets. */
export function pathOfAddress(address: Uint8Array, length: number): string | undefined {
  const name = address.subarray(2, length);
  const end = name.indexOf(0);
  const path = end === -1 ? name : name.subarray(0, end);
  return path.length === 0 ? undefined : utf8Decode(path);
}

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SO_PEERCRED = 17;
const UCRED_BYTES = 12;
/** (uid_t) -1: the kernel's uid for a socket without a peer. */
const NO_PEER = 0xffff_ffff;

/** Returns undefined where the kernel names no peer: the caller must then refuse. */
export function peerCredentials(descriptor: number): PeerCredentials | undefined {
  const credentials = new Uint32Array(UCRED_BYTES / 4);
  const length = new Uint32Array([UCRED_BYTES]);
  if (libc.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) {
    return undefined;
  }
  const [pid, uid, gid] = credentials;
  if (pid === undefined || uid === undefined || gid === undefined) return undefined;
  return length[0] !== UCRED_BYTES || uid === NO_PEER ? undefined : { pid, uid, gid };
}

/** Says why, as far as the socket takes it at once, and closes the connection. */
export function turnAway(connection: number, why: Uint8Array<ArrayBuffer>): void {
  libc.write(connection, why, BigInt(why.length));
  libc.close(connection);
}

/**
 * Leaves in the kernel what arrives from now on, until the socket is resumed. Its own pause() reads
 * on until a buffer is full.
 */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle: unknown = Reflect.get(socket, "_handle"); // it has no public name
  if (typeof handle !== "object" || handle === null || !("readStop" in handle)) return;
  if (typeof handle.readStop !== "function" || !("reading" in handle)) return;
  handle.reading = false;
  handle.readStop();
}
