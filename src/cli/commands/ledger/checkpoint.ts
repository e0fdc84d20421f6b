/**
 * `openexec checkpoint`: the newest signed checkpoint, to keep where the daemon cannot change it.
 */

import type { Command } from "commander";
import { daemonCommand, type DaemonFlags } from "../../command.ts";
import { type Context, withDaemon } from "../../context.ts";

export function checkpointCommand(context: Context): Command {
  return daemonCommand(
    "checkpoint",
    "print the newest signed checkpoint",
    `Keep one, and you can show later that nothing before it was changed: \`openexec audit
    --checkpoint\`, \`openexec verify --checkpoint\`. It is a C2SP tlog-checkpoint.`,
  )
    .action((flags: DaemonFlags) =>
      withDaemon(context, flags, "agent", async (client) => {
        const checkpoint = await client.checkpoint();
        if (flags.json) return context.terminal.print(JSON.stringify({ checkpoint }));
        // print() ends the line, and lets nothing through that moves a cursor
        context.terminal.print(checkpoint.replace(/\n$/, ""));
      })
    );
}
