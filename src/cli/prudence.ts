/** What an operator should know about how the daemon runs: said at every start, with the remedy, and nothing is refused. */

import type { Config } from "../config/config.ts";

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
