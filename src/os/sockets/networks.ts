/** The networks that this process can reach: a unit or a container may have taken them away. */

import { AF_INET, libc, SOCK_STREAM } from "../libc.ts";

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
