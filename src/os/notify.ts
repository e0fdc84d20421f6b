/**
 * What the daemon tells its service manager: sd_notify(3), datagrams of `NAME=value` lines to NOTIFY_SOCKET.
 *
 * Telling is best effort, as in sd_notify: a manager that cannot be told does not stop the daemon.
 */

import { utf8Encode } from "../core/bytes.ts";
import { monotonicMicros } from "./clock.ts";
import { socketCalls } from "./libc.ts";
import { AF_UNIX, SOCKET_PATH_BYTES_MAX, unixAddress } from "./unix_address.ts";

export interface Notifier {
  /** `status` is one line for a person. */
  ready(status: string): void;
  status(status: string): void;
  /** To be followed by ready(), once the reload is done. */
  reloading(): void;
  /** `withinMs`: how long the end may take, whatever the manager would have waited. */
  stopping(status: string, withinMs: number): void;
  /** Still alive; to be repeated at least once per watchdog interval. */
  watchdog(): void;
}

/**
 * `path` is NOTIFY_SOCKET: absolute, or `@` and an abstract name; null makes a notifier that tells nobody. It keeps its socket, so
 * that it can still tell when there is no further descriptor to be had.
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
    reloading: () => send("RELOADING=1", `MONOTONIC_USEC=${monotonicMicros()}`),
    stopping: (status, withinMs) =>
      send("STOPPING=1", statusLine(status), `EXTEND_TIMEOUT_USEC=${withinMs * 1000}`),
    watchdog: () => send("WATCHDOG=1"),
  };
}

/** How often to say watchdog(): twice per interval, as sd_watchdog_enabled(3) asks. null: not at all. */
export function watchdogPeriodMs(
  watchdog: { readonly intervalMs: number; readonly pid: number | null } | null,
  ownPid: number,
): number | null {
  if (watchdog === null || (watchdog.pid !== null && watchdog.pid !== ownPid)) return null;
  return Math.max(1, Math.floor(watchdog.intervalMs / 2));
}

/** A line break would begin another assignment. */
function statusLine(status: string): string {
  return `STATUS=${status.replaceAll(/\s+/g, " ")}`;
}

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;

/** -1 when none can be had. */
function openDatagramSocket(): number {
  return socketCalls().socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

function sendDatagram(descriptor: number, path: string, text: string): void {
  const address = unixAddress(path);
  const bytes = utf8Encode(text);
  socketCalls().sendto(
    descriptor,
    bytes,
    BigInt(bytes.length),
    MSG_NOSIGNAL,
    address,
    address.length,
  );
}
