/** Tells whether anybody listens on a Unix socket, without connecting to it. */

import { readProc } from "../process.ts";

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
