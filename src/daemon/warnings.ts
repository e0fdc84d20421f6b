/** What an operator should know about how the daemon runs: said at every start, with the remedy, and nothing is refused. */

import type { Config } from "../config/config.ts";
import { fileStatus, isWritableForOthers, realPath } from "../os/files.ts";

export function prudentWarnings(config: Config, uid: number | null): string[] {
  return [
    ...(uid === 0
      ? [
        "running as root: a flaw in openexec would be one in the whole machine; run it as a user of its own",
      ]
      : []),
    ...(isReachedByOwnUser(config, uid)
      ? [
        "agents that connect under the daemon's own user can read its keys: run it as a user of its own, and let " +
        "agents in by group and mode of the socket",
      ]
      : []),
    ...(config.mode === "demo"
      ? ["demo mode: nothing is approved, everything registered may run"]
      : []),
  ];
}

/** A socket that only the daemon's own user may open, or that names that user among its agents. */
function isReachedByOwnUser({ sockets }: Config, uid: number | null): boolean {
  return sockets.some(({ role, mode, uids }) =>
    role === "agent" && ((mode & 0o070) === 0 || (uid !== null && uids?.has(uid) === true))
  );
}

/** Why others than root and this user may change a configuration file, and so decide who approves. */
export function openConfigFile(path: string): { readonly what: string; readonly remedy: string }[] {
  const file = realPath(path) ?? path;
  const status = fileStatus(file);
  if (status === undefined) return [];
  const isForeign = status.uid !== 0 && status.uid !== Deno.uid();
  const isOpen = isWritableForOthers(status);
  return [
    ...(isForeign
      ? [{ what: `${file} belongs to another user`, remedy: `chown root ${file}` }]
      : []),
    ...(isOpen
      ? [{ what: `${file} is writable for others than its owner`, remedy: `chmod go-w ${file}` }]
      : []),
  ];
}
