/**
 * Who is at the other end of a Unix socket, as the kernel says: SO_PEERCRED, socket(7).
 *
 * The kernel took uid, gid and pid when the peer called connect(2); nothing the peer sends can change them. A peer of another
 * user namespace that has no uid here shows as the overflow uid (65534).
 */

import type { Socket } from "node:net";
import { socketCalls } from "./libc.ts";

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;
/** (uid_t) -1: what the kernel gives where it knows no peer. */
const NOBODY_KNOWN = 0xffff_ffff;

/** undefined where the kernel names no peer: whoever asks must then refuse. */
export function peerCredentials(descriptor: number): PeerCredentials | undefined {
  const credentials = new Uint32Array(UCRED_BYTES / 4);
  const length = new Uint32Array([UCRED_BYTES]);
  if (socketCalls().getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) {
    return undefined;
  }
  const [pid, uid, gid] = credentials;
  if (pid === undefined || uid === undefined || gid === undefined) return undefined;
  return length[0] !== UCRED_BYTES || uid === NOBODY_KNOWN ? undefined : { pid, uid, gid };
}

/** The descriptor behind a socket of node:net, which has no public name for it. */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return undefined;
  return typeof handle.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}
