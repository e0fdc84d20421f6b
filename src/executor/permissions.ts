/**
 * The permissions of an action as flags of the runtime, and whether this process has them itself:
 * its user, its mounts and its filters. One that the host does not back would otherwise be met in a
 * run.
 */

import type { ActionConfig, Permissions } from "../config/config.ts";
import { type Access, accessFault } from "../os/files.ts";
import { mayReachNetworks } from "../os/sockets/reach.ts";

export const NO_PERMISSIONS: Permissions = {
  net: [],
  read: [],
  write: [],
  env: [],
  run: [],
  unix: [],
};

/**
 * A missing flag permits nothing: `--no-prompt` denies it. A Unix socket is a file to read and
 * write.
 */
export function permissionFlags({ net, read, write, env, run, unix }: Permissions): string[] {
  const kinds = { net, read: [...read, ...unix], write: [...write, ...unix], env, run };
  return Object.entries(kinds)
    .filter(([, values]) => values.length > 0)
    .map(([kind, values]) => `--allow-${kind}=${values.map(escapeComma).join(",")}`);
}

/** Deno reads two commas as one that does not separate. */
function escapeComma(value: string): string {
  return value.replaceAll(",", ",,");
}

/** Returns a line for each permission that this process does not have itself. */
export function unreachable(actions: Iterable<Pick<ActionConfig, "name" | "allow">>): string[] {
  return [...actions].flatMap(({ name, allow }) => [
    ...faults(`${name} may read`, allow.read, "read"),
    ...faults(`${name} may write`, allow.write, "write"),
    ...faults(`${name} may run`, allow.run, "execute"),
    ...faults(`${name} may connect to`, allow.unix, "write"),
    ...allow.net.filter((host) => !mayReachNetworks(host)).map((host) =>
      `${name} may connect to ${host}: this process has no network`
    ),
  ]);
}

function faults(may: string, paths: readonly string[], access: Access): string[] {
  return paths.flatMap((path) => {
    const fault = accessFault(path, access);
    return fault === null ? [] : [`${may} ${path}: ${fault}`];
  });
}
