/**
 * The files and folders that root and the daemon's user alone may be able to change. One of them,
 * the configuration's file, is read here.
 */

import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config_error.ts";
import { StartupError } from "../core/startup_error.ts";
import { fileStatus } from "../os/files.ts";
import {
  type PathFault,
  pathFault,
  requireNoFault,
  thisUser,
  type User,
} from "../os/protected_path.ts";
import { readRegularFile } from "../os/regular_file.ts";

/**
 * Throws a StartupError where others can change any of them. Folders of sockets are looked at when
 * a socket is bound there.
 */
export function requireOwnFiles(config: Config): void {
  const user = thisUser();
  for (const path of ownFiles(config)) requireNoFault(pathFault(path, user));
}

/** Throws a StartupError where others can change the configuration file. */
export function requireOwnConfig({ path }: Config): void {
  if (path !== null) requireNoFault(pathFault(path, thisUser()));
}

/** Returns all that requireOwnFiles() would refuse. */
export function ownFileFaults(config: Config): PathFault[] {
  const user = daemonUser(config);
  return ownFiles(config).flatMap((path) => pathFault(path, user) ?? []);
}

/**
 * Returns the user that a daemon runs as here: the one whom its state belongs to, if there is any.
 */
export function daemonUser({ stateDir }: Config): User {
  const [user, owner] = [thisUser(), fileStatus(stateDir)];
  return owner === undefined || owner.uid === user.uid ? user : owner;
}

function ownFiles({ path, stateDir, anchor, checkpoints, notify, actions }: Config): string[] {
  const ours = [path, stateDir, anchor, checkpoints.file, checkpoints.command?.[0]];
  return [
    ...[...ours, notify.command?.[0]].filter((file) => typeof file === "string"),
    ...[...actions.values()].flatMap(({ module, secrets }) => [
      ...("file" in module ? [module.file] : []),
      ...secrets.values(),
    ]),
  ];
}

/**
 * Reads the configuration's file, for loadConfig(). Returns undefined when there is no such file.
 * Throws a ConfigError when it cannot be read.
 */
export function readConfigFile(path: string): Uint8Array | undefined {
  try {
    return readRegularFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new ConfigError([{ source: path, line: null, key: "", message: reasonOf(error) }]);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof StartupError) return "no regular file, or far too long";
  return `cannot be read: ${error instanceof Error ? error.name : "error"}`;
}
