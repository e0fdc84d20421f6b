/**
 * Which sockets a process listens on, by what the kernel says in /proc: for tests that nothing ever
 * listens on TCP.
 */

import { descriptorsOf } from "./processes.ts";

/** Listening sockets of a process, by their kind. */
export interface ListeningSockets {
  /** `address:port` as /proc writes it, of TCP and UDP sockets of either family. */
  readonly internet: readonly string[];
  /** Paths of Unix sockets; abstract names begin with `@`. */
  readonly unix: readonly string[];
}

const TCP_LISTEN = "0A";
/** SO_ACCEPTCON in the flags of /proc/net/unix. */
const ACCEPTS = 0x10000;

export function listeningSockets(pid: number): ListeningSockets {
  const inodes = socketInodes(pid);
  const internet = ["tcp", "tcp6", "udp", "udp6"].flatMap((protocol) =>
    table(`/proc/${pid}/net/${protocol}`)
      .filter((cells) =>
        inodes.has(cells[9] ?? "") && (protocol.startsWith("udp") || cells[3] === TCP_LISTEN)
      )
      .map((cells) => `${protocol} ${cells[1]}`)
  );
  const unix = unixSockets(pid).filter(({ accepts }) => accepts).map(({ path }) => path ?? "");
  return { internet, unix };
}

/** Inodes of a process's Unix sockets that nobody gave a name: the ends of its socket pairs. */
export function unnamedSockets(pid: number): string[] {
  return unixSockets(pid).filter(({ path }) => path === undefined).map(({ inode }) => inode);
}

/** Inodes of the connections that a process has accepted at `path`. */
export function acceptedSockets(pid: number, path: string): string[] {
  return unixSockets(pid).filter((socket) => socket.path === path && !socket.accepts)
    .map(({ inode }) => inode);
}

function unixSockets(pid: number) {
  const open = socketInodes(pid);
  return table(`/proc/${pid}/net/unix`)
    .map(([, , , flags = "0", , , inode = "", path]) => ({
      inode,
      path,
      accepts: (parseInt(flags, 16) & ACCEPTS) !== 0,
    }))
    .filter(({ inode }) => open.has(inode));
}

/** Of all the process's open descriptors that are sockets. */
function socketInodes(pid: number): ReadonlySet<string> {
  return new Set(
    descriptorsOf(pid).flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []),
  );
}

function table(path: string): string[][] {
  return Deno.readTextFileSync(path).trim().split("\n").slice(1).map((line) =>
    line.trim().split(/\s+/)
  );
}
