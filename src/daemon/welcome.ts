/**
 * The lines that `openexec serve` prints when it is up: where it listens, whom it trusts, and what
 * to paste in another terminal.
 */

import type { Config } from "../config/config.ts";
import { formatPublicKey } from "../core/keys/public_key.ts";
import type { Mode } from "../core/types.ts";

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

/** The last line is `ready`, for a script to wait for. */
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
