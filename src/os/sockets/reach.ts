/**
 * Tells without a connection what a socket would reach: networks, which a unit or a container may
 * have taken away from this process, and a listener on a Unix socket.
 */

import { AF_INET, libc, SOCK_STREAM } from "../libc.ts";
import { readProc } from "../process.ts";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** Tells whether a connection to `host` could leave this process. It makes none. */
export function mayReachNetworks(host: string): boolean {
  // RestrictAddressFamilies= of a unit refuses the socket itself
  const descriptor = libc.socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0) return false;
  libc.close(descriptor);
  // PrivateNetwork= leaves loopback alone
  return LOOPBACK.test(host) || Deno.networkInterfaces().some(({ name }) => name !== "lo");
}

/** SO_ACCEPTCON among the flags in /proc/net/unix: proc_net_unix of linux/net/unix/af_unix.c. */
const ACCEPTS = 0x10000;
const TABLE_BYTES_MAX = 2 ** 24;

/**
 * Tells whether a socket that was bound by this path takes connections. systemd binds so; a daemon
 * renames its own after it has bound them.
 */
export function isListenedOn(path: string): boolean {
  const rows = (readProc("/proc/net/unix", TABLE_BYTES_MAX) ?? "").split("\n").slice(1);
  return rows.some((row) => {
    // number, references, protocol, flags, type, state, inode, path
    const [, , , flags = "0", , , , ...name] = row.split(" ").filter((cell) => cell !== "");
    return name.join(" ") === path && (parseInt(flags, 16) & ACCEPTS) !== 0;
  });
}
