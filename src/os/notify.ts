/**
 * The messages of the daemon to its service manager: sd_notify(3), datagrams of `NAME=value` lines
 * to NOTIFY_SOCKET.
 *
 * They are best effort, as in sd_notify: a manager that cannot be told does not stop the daemon.
 */

import { utf8Encode } from "../core/bytes.ts";
import { AF_UNIX, libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "./libc.ts";
import { CLOCK_MONOTONIC, nanosecondsOf } from "./process.ts";
import { SOCKET_PATH_BYTES_MAX, unixAddress } from "./sockets/unix_socket.ts";

export interface Notifier {
  /** `status` is one line for a person. */
  ready(status: string): void;
  status(status: string): void;
  /** `withinMs` is how long to wait for the next message; it replaces the manager's own limit. */
  starting(status: string, withinMs: number): void;
  /** Call ready() once the reload is done. */
  reloading(): void;
  /** `withinMs` is how long the end may take; it replaces the manager's own limit. */
  stopping(status: string, withinMs: number): void;
  /** Says that the daemon lives. Repeat it at least once per watchdog interval. */
  watchdog(): void;
}

/**
 * `path` is NOTIFY_SOCKET: absolute, or `@` and an abstract name; null makes a notifier that tells
 * nobody. It opens its socket now, so that it can still tell when the descriptors have run out.
 */
export function notifier(path: string | null): Notifier {
  const isReachable = path !== null && utf8Encode(path).length <= SOCKET_PATH_BYTES_MAX;
  const descriptor = isReachable ? openDatagramSocket() : -1;
  const send = (...lines: string[]) => {
    if (isReachable) sendDatagram(descriptor, path, lines.join("\n"));
  };
  return {
    ready: (status) => send("READY=1", statusLine(status)),
    status: (status) => send(statusLine(status)),
    starting: (status, withinMs) =>
      send(statusLine(status), `EXTEND_TIMEOUT_USEC=${withinMs * 1000}`),
    reloading: () => send("RELOADING=1", `MONOTONIC_USEC=${monotonicMicros()}`),
    stopping: (status, withinMs) =>
      send("STOPPING=1", statusLine(status), `EXTEND_TIMEOUT_USEC=${withinMs * 1000}`),
    watchdog: () => send("WATCHDOG=1"),
  };
}

/** Returns how often to call watchdog(): twice per interval (sd_watchdog_enabled(3)), or null. */
export function watchdogPeriodMs(
  watchdog: { readonly intervalMs: number; readonly pid: number | null } | null,
  ownPid: number,
): number | null {
  if (watchdog === null || (watchdog.pid !== null && watchdog.pid !== ownPid)) return null;
  return Math.max(1, Math.floor(watchdog.intervalMs / 2));
}

/** Removes line breaks, which would begin another assignment. */
function statusLine(status: string): string {
  return `STATUS=${status.replaceAll(/\s+/g, " ")}`;
}

/** Returns microseconds of CLOCK_MONOTONIC, by which systemd orders a reload and its ready(). */
function monotonicMicros(): bigint {
  return nanosecondsOf(CLOCK_MONOTONIC) / 1000n;
}

const MSG_NOSIGNAL = 0x4000;

/** Returns -1 when there is no descriptor left. */
function openDatagramSocket(): number {
  return libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

function sendDatagram(descriptor: number, path: string, text: string): void {
  const address = unixAddress(path);
  const bytes = utf8Encode(text);
  libc.sendto(
    descriptor,
    bytes,
    BigInt(bytes.length),
    MSG_NOSIGNAL,
    address,
    address.length,
  );
}
