/**
 * The texts of a daemon for its operator: the lines that `openexec serve` prints when it is up, and
 * warnings of how it runs, each with a remedy. A start and `openexec doctor` say these; nothing is
 * refused for one.
 */

import type { Config } from "../config/config.ts";
import { formatPublicKey } from "../core/keys/public_key.ts";
import type { Mode } from "../core/types.ts";
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

export interface Welcome {
  /** How a person types openexec here. */
  readonly command: string;
  readonly version: string;
  readonly executorId: string;
  readonly mode: Mode;
  readonly executorKey: string;
  readonly warnings: readonly string[];
}

const WARNING = "warning: ";

export function isWarning(line: string): boolean {
  return line.startsWith(WARNING);
}

/**
 * Returns where it listens, whom it trusts, and what to paste in another terminal. The last line is
 * `ready`, for a script to wait for.
 */
export function welcomeLines(config: Config, welcome: Welcome): string[] {
  const { command, version, executorId, mode, executorKey, warnings } = welcome;
  const { developmentApprover: key, clawshield, sockets } = config;
  return [
    `openexec ${version}, ${mode} mode, executor ${executorId}`,
    `executor key ${executorKey}`,
    ...(key === null
      ? []
      : [`approver key ${key} (development_approver: agents of this user can read it)`]),
    ...(clawshield === null ? [] : [
      `approver clawshield ${formatPublicKey(clawshield.publicKey)}, tenant ${clawshield.tenant}`,
    ]),
    ...warnings.map((warning) => `${WARNING}${warning}`),
    ...sockets.map(({ path, role }) => `listening on ${path} (${role})`),
    ...(key === null ? [] : examples(command, sockets[0]?.path ?? "", key)),
    "ready",
  ];
}

/**
 * Each is one line for a POSIX shell: to propose and to review; then to approve beforehand, by the
 * pipe, with curl and with socat.
 */
function examples(command: string, path: string, key: string): string[] {
  const socket = quoted(path);
  const request = `${command} request echo '{"msg":"hello"}'`;
  const approved = `${request} | ${command} approve --key ${quoted(key)} --yes -`;
  const json = "-H 'Content-Type: application/json'";
  const curl = `curl -sS --unix-socket ${socket} ${json} -d @- http://localhost/execute`;
  const head = "POST /execute HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n";
  const socat = `socat -t 30 - UNIX-CONNECT:${socket}`;
  return [
    "",
    "Try it from two other terminals in this folder: one asks, one decides:",
    `  ${command} propose echo '{"msg":"hello"}' --wait 10m`,
    `  ${command} review --key ${quoted(key)}`,
    "Or approve beforehand, in one line:",
    `  ${approved} | ${command} exec -`,
    `  ${approved} | ${curl}`,
    `  body=$(${approved}); printf '${head}%s' "\${#body}" "$body" | ${socat}`,
    "",
  ];
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
