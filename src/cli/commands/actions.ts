/** `openexec actions`: lists the actions that this socket lets one ask for. */

import { isJsonObject } from "../../core/json/json.ts";
import type { Command } from "commander";
import type { ActionDescription } from "../../client/description.ts";
import { visible } from "../../core/visible.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { permissionsText } from "../../core/presentation.ts";
import { type Context, withDaemon } from "../context.ts";

export function actionsCommand(context: Context): Command {
  return daemonCommand(
    "actions",
    "list the actions that may be asked for",
    "With --json also the JSON Schemas of what each takes and gives.",
  )
    .action((flags: DaemonFlags) =>
      withDaemon(context, flags, "agent", async (client) => {
        const actions = await client.actions();
        for (const action of actions) {
          const printed = flags.json ? [JSON.stringify(action)] : lines(action);
          for (const line of printed) context.terminal.print(line);
        }
      })
    );
}

/** An action in three lines: a digest is as wide as a terminal, and stands on one of its own. */
function lines(action: ActionDescription): string[] {
  const permissions = action["grants"];
  return [
    `${action.name}  approvals ${approvalsText(action)}`,
    `  may reach ${isJsonObject(permissions) ? permissionsText(permissions) : "-"}`,
    `  ${String(action["handler_digest"] ?? "-")}`,
  ].map(visible);
}

/** A number; or numbers by group, and how strong the keys have to be, where a daemon tells. */
function approvalsText({ approvals = "-", require: strength }: ActionDescription): string {
  const seats = isJsonObject(approvals)
    ? Object.entries(approvals).map(([group, count]) => `${count} ${group}`).join(" + ")
    : String(approvals);
  return strength === undefined || strength === "any" ? seats : `${seats}, ${strength}`;
}
