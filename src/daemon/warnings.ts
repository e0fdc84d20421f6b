/**
 * Warns the operator of how a daemon runs, with a remedy. A start and `openexec doctor` say it;
 * nothing is refused for it.
 */

import type { Config } from "../config/config.ts";
import type { BoxState } from "../executor/pool.ts";
import { fileStatus, realPath } from "../os/files.ts";

export interface Warning {
  readonly what: string;
  readonly remedy: string;
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

const OTHERS_READ = 0o004;

/** Warns of every file of a secret that everyone on this host may read. */
export function secretWarnings({ actions }: Pick<Config, "actions">): Warning[] {
  const files = new Set([...actions.values()].flatMap(({ secrets }) => [...secrets.values()]));
  return [...files].filter((file) => {
    const mode = fileStatus(realPath(file) ?? file)?.mode ?? 0;
    return (mode & OTHERS_READ) !== 0;
  }).map((file) => ({
    what: `everyone on this host can read the secret in ${file}`,
    remedy: `chmod o-r ${file}`,
  }));
}

/** Warns of what the kernel lacks of a box. */
export function kernelWarnings({ missing }: Pick<BoxState, "missing">): Warning[] {
  return missing.length === 0 ? [] : [{
    what: `the kernel lacks ${missing.join(" and ")}`,
    remedy: "start on a newer one; until then the runtime's permissions are all that holds there",
  }];
}

/** Warns of what actions may do by their configuration, and this process may not. */
export function unreachableWarnings(unreachable: readonly string[]): Warning[] {
  return unreachable.map((what) => ({
    what,
    remedy: "make it there for the daemon's user; `openexec doctor --drop-in` prints what its " +
      "unit has to allow",
  }));
}

/** Warns of every action that runs outside of the box. */
export function unconfinedWarnings({ unconfined }: Pick<BoxState, "unconfined">): Warning[] {
  return unconfined.map((name) => ({
    what: `${name} runs outside of the box`,
    remedy: "take unconfined = true out of its configuration; programs run in the box too",
  }));
}
