/** `openexec status`: how the daemon is, for a person, again and again with --watch. */

import { isJsonObject } from "../../core/json/json.ts";
import type { Command } from "commander";
import type { OpenExecClient } from "../../client/client.ts";
import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import { sleep } from "../../core/wait.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { type Context, withDaemon } from "../context.ts";
import { DONE, FAILED, UsageError } from "../exit_code.ts";
import { fields, table } from "../terminal/print.ts";

interface StatusFlags extends DaemonFlags {
  readonly watch?: true;
  readonly interval: string;
}

interface Status {
  readonly ready: boolean;
  readonly state: JsonObject;
}

export function statusCommand(context: Context): Command {
  return daemonCommand(
    "status",
    "show how the daemon is",
    `An admin socket also shows its work, ledger, log and executors. Ends with 1 when the daemon
    takes no work.`,
  )
    .option("--watch", "refresh until interrupted")
    .option("--interval <seconds>", "between refreshes", "2")
    .action(async (flags: StatusFlags) => {
      const intervalMs = Number(flags.interval) * 1000;
      if (!(intervalMs >= 100 && intervalMs <= 3_600_000)) {
        throw new UsageError("--interval is 0.1 to 3600 seconds");
      }
      const signal = flags.watch ? context.interruption() : undefined;
      do {
        const { ready, state } = await findStatus(context, flags);
        if (flags.watch) context.terminal.clear();
        const lines = flags.json ? [JSON.stringify(state)] : linesOf(state);
        for (const line of lines) context.terminal.print(line);
        context.exitCode = ready ? DONE : FAILED;
        if (signal) await sleep(intervalMs, signal).catch(() => undefined); // Ctrl-C ends it
      } while (signal?.aborted === false);
    });
}

/** Asks the admin socket where this user can reach it, because it shows more. */
async function findStatus(context: Context, flags: StatusFlags): Promise<Status> {
  try {
    return await withDaemon(context, flags, "admin", statusOf);
  } catch (error) {
    const elsewhere = error instanceof UsageError || error instanceof OpenExecUnreachable;
    if (!elsewhere || flags.socket !== undefined) throw error;
    return await withDaemon(context, flags, "agent", statusOf);
  }
}

async function statusOf(client: OpenExecClient): Promise<Status> {
  const { health, ...description } = await client.status();
  const operated = await operatorStatus(client);
  return { ready: description.ready, state: { ...description, ...health, ...operated } };
}

/** Returns nothing on an agent socket. */
async function operatorStatus(client: OpenExecClient): Promise<JsonObject> {
  try {
    return await client.operator.status();
  } catch (error) {
    if (error instanceof OpenExecError && error.code === "admin_only") return {};
    throw error;
  }
}

function linesOf({ attempts, stations, ...rest }: JsonObject): string[] {
  return [
    ...fields(flattened(rest)),
    ...section(
      ["ACTION", "CODE", "ATTEMPTS"],
      objectsIn(attempts).map(({ action, code, count }) => [cell(action), cell(code), cell(count)]),
    ),
    ...section(
      ["STATION", "PASSED", "MEAN"],
      objectsIn(stations).map((
        { station, count, mean_ms },
      ) => [cell(station), cell(count), `${cell(mean_ms)} ms`]),
    ),
  ];
}

function objectsIn(list: Json | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

function section(head: readonly string[], rows: readonly string[][]): string[] {
  return rows.length === 0 ? [] : ["", ...table(head, rows)];
}

/** `ledger.executions: 3` for a member of a member. */
function flattened(value: JsonObject, prefix = ""): [label: string, value: string][] {
  return Object.entries(value).flatMap(([name, member]): [string, string][] => {
    if (isJsonObject(member)) return flattened(member, `${prefix}${name}.`);
    return [[prefix + name, cell(member)]];
  });
}

function cell(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
