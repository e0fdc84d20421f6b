/**
 * The sockets of the configuration, bound or taken over: all of them, or none.
 *
 * Invariant: no listener of this program is anything but a Unix stream socket.
 */

import { StartupError } from "../core/startup_error.ts";
import type { SocketConfig } from "../config/config.ts";
import { groupId } from "../os/files.ts";
import { requireNoFault, socketFolderFault, thisUser } from "../os/protected_path.ts";
import { assignInherited, type InheritedSocket } from "../os/sockets/socket_activation.ts";
import { bindUnixListener, removeUnixListener } from "../os/sockets/unix_socket.ts";

export interface OpenSocket {
  readonly config: SocketConfig;
  readonly descriptor: number;
  /** Takes the name away, unless the service manager owns it. */
  readonly remove: () => void;
}

/** Uses a socket that was handed over as it is, and binds the others. Throws a StartupError. */
export function openSockets(
  configs: readonly SocketConfig[],
  inherited: readonly InheritedSocket[],
): readonly OpenSocket[] {
  const descriptors = assignInherited(inherited, configs.map(({ path }) => path));
  const opened: OpenSocket[] = [];
  try {
    for (const config of configs) {
      const descriptor = descriptors.get(config.path);
      opened.push(
        descriptor === undefined ? bind(config) : { config, descriptor, remove: () => {} },
      );
    }
    return opened;
  } catch (error) {
    for (const socket of opened) socket.remove();
    throw error;
  }
}

function bind(config: SocketConfig): OpenSocket {
  requireNoFault(socketFolderFault(config.path, thisUser()));
  const listener = bindUnixListener(config.path, config.mode, groupOf(config));
  return { config, descriptor: listener.descriptor, remove: () => removeUnixListener(listener) };
}

function groupOf({ group, path }: SocketConfig): number | null {
  if (group === null) return null;
  const id = groupId(group);
  if (id === undefined) {
    throw new StartupError(
      `The group ${group} of ${path} does not exist`,
      "Make it, or leave `group` out",
    );
  }
  return id;
}
