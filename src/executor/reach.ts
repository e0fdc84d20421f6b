/**
 * Tries what the configuration permits to actions, as this very process: its user, its mounts and
 * its filters. A permission that the host does not back would otherwise be met in a run.
 */

import type { ActionConfig } from "../config/config.ts";
import { type Access, accessFault } from "../os/files.ts";
import { mayReachNetworks } from "../os/sockets/networks.ts";

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
