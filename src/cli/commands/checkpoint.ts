/** `openexec checkpoint`: the newest signed checkpoint of the log, to keep where the daemon cannot change it. */

import type { Command } from "commander";
import { type Cli, daemonCommand, type DaemonFlags } from "../command.ts";
import { withDaemon } from "../context.ts";

export function checkpointCommand(cli: Cli): Command {
  return daemonCommand(
    "checkpoint",
    "print the newest signed checkpoint",
    "Whoever keeps one can show later that nothing before it was changed: `openexec audit --checkpoint`, " +
      "`openexec verify --checkpoint`. It is a C2SP tlog-checkpoint.",
  )
    .action((flags: DaemonFlags) =>
      withDaemon(cli, flags, "agent", async (client) => {
        const checkpoint = await client.checkpoint({ retry: false });
        if (flags.json) return cli.terminal.print(JSON.stringify({ checkpoint }));
        cli.terminal.print(checkpoint.replace(/\n$/, "")); // print() ends it, and lets nothing through that moves a cursor
      })
    );
}
