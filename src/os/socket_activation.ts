/**
 * Listening sockets that systemd bound and handed over: sd_listen_fds(3).
 *
 * Invariant: a descriptor is used only if the kernel says that it is a listening Unix stream socket and it belongs to exactly
 * one configured socket; anything else that was handed over stops the start. The daemon never listens on TCP, whoever asks.
 */

import { nameOf } from "../core/path.ts";
import { StartupError } from "../core/startup_error.ts";
import { fileStatus } from "./files.ts";
import { socketCalls } from "./libc.ts";
import { AF_UNIX, pathOfAddress } from "./unix_address.ts";

/** What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say. */
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

/** Nothing when nothing was handed over, or when it was meant for another process. */
export function inheritedSockets(handover: Handover | null, ownPid: number): InheritedSocket[] {
  if (handover === null || handover.pid !== ownPid) return [];
  return Array.from({ length: handover.count }, (_, index) => ({
    descriptor: FIRST_DESCRIPTOR + index,
    name: handover.names[index] || null,
  }));
}

/**
 * Which descriptor serves which configured path: by the path it is bound to, else by its name, which is the file name of the
 * configured path with or without `.sock`. Throws a StartupError for a descriptor that serves none.
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
      throw new StartupError(
        `Descriptor ${descriptor} (${
          name ?? "no name"
        }, bound to ${bound}) belongs to no [[sockets]] entry`,
        "Let ListenStream= be its path, or FileDescriptorName= its file name",
      );
    }
    assigned.set(path, descriptor);
  }
  return assigned;
}

function isNamed(path: string, name: string): boolean {
  const file = nameOf(path);
  return file === name || file === `${name}.sock`;
}

/** connect(2) needs the right to write. */
const WRITABLE_FOR_OTHERS = 0o002;

/** The path of a listening Unix stream socket that others may not connect to; throws a StartupError for anything else. */
function boundPath(descriptor: number): string {
  const address = new Uint8Array(110);
  const length = new Uint32Array([address.length]);
  const path =
    isUnixListener(descriptor) && socketCalls().getsockname(descriptor, address, length) === 0
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

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;
const SOCK_STREAM = 1;

function isUnixListener(descriptor: number): boolean {
  return option(descriptor, SO_DOMAIN) === AF_UNIX && option(descriptor, SO_TYPE) === SOCK_STREAM &&
    option(descriptor, SO_ACCEPTCONN) === 1;
}

function option(descriptor: number, name: number): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  return socketCalls().getsockopt(descriptor, SOL_SOCKET, name, value, length) === 0
    ? value[0]
    : undefined;
}
