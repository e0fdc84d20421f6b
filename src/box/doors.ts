/**
 * Tries what the kernel must refuse in a box without permissions, by the C library: no check of the
 * runtime stands before it.
 *
 * A door is shut only if the kernel says that it is not permitted. Any other answer, errors
 * included, means that somebody got further than that. One more answer counts where a process is
 * looked for: a /proc that hides those that may not be looked into says that it is not there.
 */

import {
  AF_INET,
  AF_UNIX,
  cString,
  EACCES,
  ENOENT,
  EPERM,
  errno,
  errorText,
  libc,
  O_CREAT,
  O_RDONLY,
  O_WRONLY,
  SOCK_STREAM,
} from "../os/libc.ts";

type Address = Uint8Array<ArrayBuffer>;

const SIGCONT = 18;
/** A list without members, as execve(2) takes it. */
const NONE = new BigUint64Array(1);

/** Each returns a negative number where it fails. `file` exists, and no box permits it. */
const DOORS: Readonly<Record<string, (file: string) => number>> = {
  read: (file) => libc.open(cString(file), O_RDONLY),
  write: (file) => libc.open(cString(file), O_WRONLY),
  create: (file) => libc.open_new(cString(`${file}.new`), O_WRONLY | O_CREAT, 0o600),
  mode: (file) => libc.chmod(cString(file), 0o600),
  listen: () => onSocket(localPort(0), libc.bind),
  connect: () => onSocket(localPort(1), libc.connect),
  unix: () => onSocket(NOWHERE, libc.connect),
  // nothing is there: what is would take the place of this program
  run: (file) => libc.execve(cString(`${file}.none`), NONE, NONE),
  signal: () => libc.kill(libc.getppid(), SIGCONT),
  daemon: () => libc.open(cString(`/proc/${libc.getppid()}/environ`), O_RDONLY),
};

/**
 * How often a door is tried that fails in another way than it should: errno may be what the runtime
 * left there. One that is open is so each time.
 */
const TRIES = 3;

/** Returns the names of the doors that are not shut, and how those failed that did not open. */
export function openDoors(file: string): string[] {
  return Object.entries(DOORS).flatMap(([name, open]) => {
    const found = findDoor(() => open(file), name === "daemon" ? [...REFUSALS, ENOENT] : REFUSALS);
    if (found === "shut") return [];
    return [found === "open" ? name : `${name} (${found})`];
  });
}

const REFUSALS = [EPERM, EACCES];

/** Returns "open" where `attempt` gives no negative number, "shut", or how it failed otherwise. */
export function findDoor(attempt: () => number, refusals: readonly number[] = REFUSALS): string {
  let code = 0;
  for (let i = 0; i < TRIES; i++) {
    if (attempt() >= 0) return "open";
    code = errno();
    if (refusals.includes(code)) return "shut";
  }
  return errorText(code);
}

/** struct sockaddr_in of 127.0.0.1. */
function localPort(port: number): Address {
  return new Uint8Array([
    AF_INET,
    0,
    port >> 8,
    port & 0xff,
    127,
    0,
    0,
    1,
    ...new Array(8).fill(0),
  ]);
}

/** struct sockaddr_un of a socket that is not there. */
const NOWHERE: Address = new Uint8Array([AF_UNIX, 0, ...cString("/nowhere")]);

function onSocket(
  address: Address,
  use: (socket: number, address: Address, length: number) => number,
): number {
  const socket = libc.socket(address[0] ?? 0, SOCK_STREAM, 0);
  return socket < 0 ? socket : use(socket, address, address.length);
}
