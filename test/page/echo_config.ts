/** A daemon with one action, an agent, and one approver who decides on a page. */

import type { Approver } from "../support/approver.ts";

export function echoConfig(directory: string, approver: Approver): string {
  return `executor_id = "openexec:test"
${approver.toml()}
[actions.echo]
module = "builtin:echo"
[[sockets]]
path = "${directory}/agent.sock"
[[sockets]]
path = "${directory}/review.sock"
role = "approver"
`;
}
