/**
 * What an operator should know about how a daemon runs. It is said at every start and by
 * `openexec doctor`, with the remedy; nothing is refused for it.
 */

import type { Config } from "../config/config.ts";
import { fileStatus, isWritableForOthers, realPath } from "../os/files.ts";

export interface Warning {
  readonly what: string;
  readonly remedy: string;
}

/** Everything there is to warn of. `uid` is the daemon's own user. */
export function warningsOf(config: Config, uid: number | null): Warning[] {
  return [...userWarnings(config, uid), ...configFileWarnings(config.path, uid)];
}

/** Warns of the user the daemon runs as, and of its mode. */
export function userWarnings(config: Config, uid: number | null): Warning[] {
  const warnings: Warning[] = [];
  if (uid === 0) {
    warnings.push({
      what: "running as root",
      remedy: "a flaw in openexec would be one in the whole machine; run it as a user of its own",
    });
  }
  if (isReachedByOwnUser(config, uid)) {
    warnings.push({
      what: "agents that connect under the daemon's own user can read its keys",
      remedy: "run it as a user of its own, and let agents in by group and mode of the socket",
    });
  }
  if (config.mode === "demo") {
    warnings.push({
      what: "demo mode",
      remedy: "nothing is approved, everything registered may run",
    });
  }
  return warnings;
}

/** Tells of a socket that only the daemon's own user may open, or that names it as an agent. */
function isReachedByOwnUser({ sockets }: Config, uid: number | null): boolean {
  return sockets.some(({ role, mode, uids }) =>
    role === "agent" && ((mode & 0o070) === 0 || (uid !== null && uids?.has(uid) === true))
  );
}

/** Warns of a file that others than root and `uid` may change: it decides who approves. */
export function configFileWarnings(path: string | null, uid: number | null): Warning[] {
  if (path === null) return [];
  const file = realPath(path) ?? path;
  const status = fileStatus(file);
  if (status === undefined) return [];
  const warnings: Warning[] = [];
  if (status.uid !== 0 && status.uid !== uid) {
    warnings.push({ what: `${file} belongs to another user`, remedy: `chown root ${file}` });
  }
  if (isWritableForOthers(status)) {
    warnings.push({
      what: `${file} is writable for others than its owner`,
      remedy: `chmod go-w ${file}`,
    });
  }
  return warnings;
}
