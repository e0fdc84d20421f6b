/** `openexec status`: how the daemon is, for a person, again and again with --watch. */

import type { Command } from "commander";
import type { OpenExecClient } from "../client/client.ts";
import type { CallOptions } from "../client/connection.ts";
import { OpenExecError, OpenExecUnreachable } from "../client/errors.ts";
import { isJsonObject } from "../client/json.ts";
import { sleep } from "../client/retry.ts";
import type { JsonObject } from "../core/types.ts";
import { type Cli, daemonCommand, type DaemonFlags } from "./command.ts";
import { DONE, FAILED, UsageError } from "./exit_code.ts";
import { fields } from "./print.ts";
import { withDaemon } from "./surroundings.ts";

interface StatusFlags extends DaemonFlags {
  readonly watch?: true;
  readonly interval: string;
}

export function statusCommand(cli: Cli): Command {
  return daemonCommand(
    "status",
    "show how the daemon is",
    "An admin socket also shows its ledger, log and executors. Ends with 1 when the daemon takes no work.",
  )
    .option("--watch", "refresh until interrupted")
    .option("--interval <seconds>", "between refreshes", "2")
    .action(async (flags: StatusFlags) => {
      const intervalMs = Number(flags.interval) * 1000;
      if (!(intervalMs >= 100 && intervalMs <= 3_600_000)) {
        throw new UsageError("--interval is 0.1 to 3600 seconds");
      }
      const signal = flags.watch ? cli.interruption() : undefined;
      do {
        const status = await findStatus(cli, flags);
        if (flags.watch) cli.terminal.clear();
        for (const line of flags.json ? [JSON.stringify(status)] : fields(flattened(status))) {
          cli.terminal.print(line);
        }
        cli.exitCode = status["ready"] === true ? DONE : FAILED;
        if (signal) await sleep(intervalMs, signal).catch(() => undefined); // interrupted: that is the end of it
      } while (signal?.aborted === false);
    });
}

/** Of the admin socket, where this user can reach it, because it shows more. */
async function findStatus(cli: Cli, flags: StatusFlags): Promise<JsonObject> {
  try {
    return await withDaemon(cli, flags, "admin", (client) => statusOf(client));
  } catch (error) {
    const elsewhere = error instanceof UsageError || error instanceof OpenExecUnreachable;
    if (!elsewhere || flags.socket !== undefined) throw error;
    return await withDaemon(cli, flags, "agent", (client) => statusOf(client));
  }
}

async function statusOf(client: OpenExecClient): Promise<JsonObject> {
  const call = { retry: false };
  const { health, ...status } = await client.status(call);
  return { ...status, ...health, ...await measuresOf(client, call) };
}

/** An agent socket has none. */
async function measuresOf(client: OpenExecClient, call: CallOptions): Promise<JsonObject> {
  try {
    return await client.operator.status(call);
  } catch (error) {
    if (error instanceof OpenExecError && error.code === "admin_only") return {};
    throw error;
  }
}

/** `ledger.executions: 3` for a member of a member. */
function flattened(value: JsonObject, prefix = ""): [label: string, value: string][] {
  return Object.entries(value).flatMap(([name, member]): [string, string][] => {
    if (isJsonObject(member)) return flattened(member, `${prefix}${name}.`);
    return [[prefix + name, typeof member === "string" ? member : JSON.stringify(member)]];
  });
}
