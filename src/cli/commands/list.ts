/** `openexec list`: executions, newest first. */

import type { Command } from "commander";
import type { Execution } from "../../client/execution.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { table } from "../terminal/print.ts";
import { type Context, withDaemon } from "../context.ts";

interface ListFlags extends DaemonFlags {
  readonly limit: string;
  readonly before?: string;
  readonly admin?: true;
}

export function listCommand(context: Context): Command {
  return daemonCommand(
    "list",
    "list executions, newest first",
    "An agent socket lists what this user asked for, an admin socket everything.",
  )
    .option("--limit <count>", "how many, 1 to 1000", "20")
    .option("--before <id>", "go on from this execution")
    .option("--admin", "ask on the admin socket")
    .action((flags: ListFlags) =>
      withDaemon(context, flags, flags.admin ? "admin" : "agent", async (client) => {
        if (!/^[1-9]\d{0,3}$/.test(flags.limit)) {
          throw new UsageError("--limit is a whole number, 1 to 1000");
        }
        const page = {
          limit: Number(flags.limit),
          ...(flags.before === undefined ? {} : { before: flags.before }),
        };
        const executions = await client.list(page, { retry: false });
        const lines = flags.json ? executions.map((one) => JSON.stringify(one)) : rows(executions);
        for (const line of lines) context.terminal.print(line);
      })
    );
}

function rows(executions: readonly Execution[]): string[] {
  if (executions.length === 0) return ["no executions"];
  return table(
    ["ID", "ACTION", "STATUS", "MADE", "LOG INDEX"],
    executions.map((
      { id, action, status, log_index },
    ) => [id, action, status, madeAt(id), `${log_index ?? "-"}`]),
  );
}

/** The first 48 bits of a UUIDv7 are its milliseconds since 1970 (RFC 9562, section 5.7). */
function madeAt(id: string): string {
  const ms = parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isNaN(ms) ? "-" : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
