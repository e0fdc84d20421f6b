/** What `openexec serve` prints when it is up: where it listens, whom it trusts, and lines to paste in another terminal. */

import type { Config } from "../config/config.ts";
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

/** The last line is `ready`: whoever waits for the daemon may wait for it. */
export function welcomeLines(config: Config, welcome: Welcome): string[] {
  const { version, executorId, mode, executorKey, warnings } = welcome;
  return [
    `openexec ${version}, ${mode} mode, executor ${executorId}`,
    `executor key ${executorKey}`,
    ...(config.developmentApprover === null ? [] : [
      `approver key ${config.developmentApprover} (development_approver: agents of this user can read it)`,
    ]),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...config.sockets.map(({ path, role }) => `listening on ${path} (${role})`),
    ...(config.developmentApprover === null
      ? []
      : examples(welcome.command, config, config.developmentApprover)),
    "ready",
  ];
}

/** Each is one line for a POSIX shell: the pipe, the same with curl, the same with socat. */
function examples(command: string, config: Config, key: string): string[] {
  const socket = quoted(config.sockets[0]?.path ?? "");
  const approved = `${command} request echo '{"msg":"hello"}' | ${command} approve --key ${
    quoted(key)
  } --yes -`;
  const curl =
    `curl -sS --unix-socket ${socket} -H 'Content-Type: application/json' -d @- http://localhost/execute`;
  const socat = `socat -t 30 - UNIX-CONNECT:${socket}`;
  return [
    "",
    "Try it from another terminal in this folder:",
    `  ${approved} | ${command} exec -`,
    `  ${approved} | ${curl}`,
    `  body=$(${approved}); printf 'POST /execute HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "\${#body}" "$body" | ${socat}`,
    "",
  ];
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
