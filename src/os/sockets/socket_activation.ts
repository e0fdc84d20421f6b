/**
 * Listening sockets that systemd bound and handed over: sd_listen_fds(3).
 *
 * Invariant: a descriptor is used only if the kernel says that it is a listening Unix stream
 * socket, and it belongs to exactly one configured socket. Anything else that was handed over stops
 * the start, so that no unit file can make the daemon listen on TCP.
 */

import { basename } from "node:path";
import { StartupError } from "../../core/startup_error.ts";
import { fileStatus } from "../files.ts";
import { AF_UNIX, libc, SOCK_STREAM, SOL_SOCKET } from "../libc.ts";
import { pathOfAddress } from "./unix_socket.ts";

/** The values of LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. */
export interface Handover {
  readonly pid: number;
  readonly count: number;
  readonly names: readonly string[];
}

export interface InheritedSocket {
  readonly descriptor: number;
  /** FileDescriptorName=, where the unit sets one. */
  readonly name: string | null;
}

const FIRST_DESCRIPTOR = 3;

/** Returns none when none were handed over, or when they were meant for another process. */
export function inheritedSockets(handover: Handover | null, ownPid: number): InheritedSocket[] {
  if (handover === null || handover.pid !== ownPid) return [];
  return Array.from({ length: handover.count }, (_, index) => ({
    descriptor: FIRST_DESCRIPTOR + index,
    name: handover.names[index] || null,
  }));
}

/**
 * Finds the descriptor of each configured path: by the path it is bound to, else by its name, which
 * is the file name of the configured path with or without `.sock`. Throws a StartupError for a
 * descriptor that belongs to none.
 */
export function assignInherited(
  inherited: readonly InheritedSocket[],
  paths: readonly string[],
): ReadonlyMap<string, number> {
  const assigned = new Map<string, number>();
  for (const { descriptor, name } of inherited) {
    const bound = boundPath(descriptor);
    const path = paths.find((candidate) => candidate === bound) ??
      paths.find((candidate) => name !== null && isNamed(candidate, name));
    if (path === undefined || assigned.has(path)) {
      const found = `Descriptor ${descriptor} (${name ?? "no name"}, bound to ${bound})`;
      throw new StartupError(
        `${found} belongs to no [[sockets]] entry`,
        "Let ListenStream= be its path, or FileDescriptorName= its file name",
      );
    }
    assigned.set(path, descriptor);
  }
  return assigned;
}

function isNamed(path: string, name: string): boolean {
  const file = basename(path);
  return file === name || file === `${name}.sock`;
}

/** The right to write is what connect(2) needs. */
const WRITABLE_FOR_OTHERS = 0o002;

/**
 * Returns the path of a listening Unix stream socket that not everyone may connect to. Throws a
 * StartupError for anything else.
 */
function boundPath(descriptor: number): string {
  const address = new Uint8Array(110);
  const length = new Uint32Array([address.length]);
  const path = isUnixListener(descriptor) && libc.getsockname(descriptor, address, length) === 0
    ? pathOfAddress(address, length[0] ?? 0)
    : undefined;
  if (path === undefined) {
    throw new StartupError(
      `Descriptor ${descriptor} is no listening Unix stream socket with a path`,
      "Let every ListenStream= of the socket unit be a path",
    );
  }
  const status = fileStatus(path);
  if (status?.kind === "socket" && (status.mode & WRITABLE_FOR_OTHERS) !== 0) {
    throw new StartupError(
      `Everyone may connect to ${path}`,
      "Set SocketMode=0660 or less in the socket unit",
    );
  }
  return path;
}

const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;

function isUnixListener(descriptor: number): boolean {
  return option(descriptor, SO_DOMAIN) === AF_UNIX && option(descriptor, SO_TYPE) === SOCK_STREAM &&
    option(descriptor, SO_ACCEPTCONN) === 1;
}

function option(descriptor: number, name: number): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  return libc.getsockopt(descriptor, SOL_SOCKET, name, value, length) === 0 ? value[0] : undefined;
}
