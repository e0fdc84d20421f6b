/** `openexec actions`: lists the actions that this socket lets one ask for. */

import type { Command } from "commander";
import type { ActionDescription } from "../../client/description.ts";
import { isJsonObject } from "../../client/json.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { permissionsText } from "../terminal/permissions_text.ts";
import { table } from "../terminal/print.ts";
import { type Context, withDaemon } from "../context.ts";

export function actionsCommand(context: Context): Command {
  return daemonCommand(
    "actions",
    "list the actions that may be asked for",
    "With --json also the JSON Schemas of what each takes and gives.",
  )
    .action((flags: DaemonFlags) =>
      withDaemon(context, flags, "agent", async (client) => {
        const actions = await client.actions({ retry: false });
        const lines = flags.json ? actions.map((action) => JSON.stringify(action)) : rows(actions);
        for (const line of lines) context.terminal.print(line);
      })
    );
}

function rows(actions: readonly ActionDescription[]): string[] {
  return table(
    ["ACTION", "APPROVALS", "MAY REACH", "HANDLER"],
    actions.map((action) => [
      action.name,
      approvalsText(action),
      isJsonObject(action["grants"]) ? permissionsText(action["grants"]) : "-",
      String(action["handler_digest"] ?? "-"),
    ]),
  );
}

/** A number; or numbers by group, and how strong the keys have to be, where a daemon tells. */
function approvalsText({ approvals = "-", require: strength }: ActionDescription): string {
  const seats = isJsonObject(approvals)
    ? Object.entries(approvals).map(([group, count]) => `${count} ${group}`).join(" + ")
    : String(approvals);
  return strength === undefined || strength === "any" ? seats : `${seats}, ${strength}`;
}
