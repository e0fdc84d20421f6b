/** `openexec status`: how the daemon is, for a person, again and again with --watch. */

import type { Command } from "commander";
import type { OpenExecClient } from "../../client/client.ts";
import type { CallOptions } from "../../client/connection.ts";
import { OpenExecError, OpenExecUnreachable } from "../../client/errors.ts";
import { isJsonObject } from "../../client/json.ts";
import { sleep } from "../../core/wait.ts";
import type { JsonObject } from "../../core/types.ts";
import { type Cli, daemonCommand, type DaemonFlags } from "../command.ts";
import { DONE, FAILED, UsageError } from "../exit_code.ts";
import { type Measures, measuresIn } from "../metrics_text.ts";
import { fields, table } from "../terminal/print.ts";
import { withDaemon } from "../context.ts";

interface StatusFlags extends DaemonFlags {
  readonly watch?: true;
  readonly interval: string;
}

interface Status {
  readonly ready: boolean;
  readonly state: JsonObject;
  /** null on an agent socket. */
  readonly measures: Measures | null;
}

export function statusCommand(cli: Cli): Command {
  return daemonCommand(
    "status",
    "show how the daemon is",
    "An admin socket also shows its work, ledger, log and executors. Ends with 1 when the daemon takes no work.",
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
        for (const line of linesOf(status, flags)) cli.terminal.print(line);
        cli.exitCode = status.ready ? DONE : FAILED;
        if (signal) await sleep(intervalMs, signal).catch(() => undefined); // interrupted: that is the end of it
      } while (signal?.aborted === false);
    });
}

/** Of the admin socket, where this user can reach it, because it shows more. */
async function findStatus(cli: Cli, flags: StatusFlags): Promise<Status> {
  try {
    return await withDaemon(cli, flags, "admin", statusOf);
  } catch (error) {
    const elsewhere = error instanceof UsageError || error instanceof OpenExecUnreachable;
    if (!elsewhere || flags.socket !== undefined) throw error;
    return await withDaemon(cli, flags, "agent", statusOf);
  }
}

async function statusOf(client: OpenExecClient): Promise<Status> {
  const call = { retry: false };
  const { health, ...description } = await client.status(call);
  const operated = await operatorStatus(client, call);
  return {
    ready: description.ready,
    state: { ...description, ...health, ...operated },
    measures: operated === null ? null : measuresIn(await client.operator.metrics(call)),
  };
}

async function operatorStatus(
  client: OpenExecClient,
  call: CallOptions,
): Promise<JsonObject | null> {
  try {
    return await client.operator.status(call);
  } catch (error) {
    if (error instanceof OpenExecError && error.code === "admin_only") return null;
    throw error;
  }
}

function linesOf({ state, measures }: Status, { json }: StatusFlags): string[] {
  if (json) return [JSON.stringify({ ...state, ...measures })];
  if (measures === null) return fields(flattened(state));
  const attempts = measures.attempts.map((
    { action, code, count },
  ) => [action, code, String(count)]);
  const stations = measures.stations.map((
    { station, count, mean_ms },
  ) => [station, `${count}`, `${mean_ms} ms`]);
  return [
    ...fields([...flattened(state), ["pruned_bodies", String(measures.pruned_bodies)]]),
    ...(attempts.length === 0 ? [] : ["", ...table(["ACTION", "CODE", "ATTEMPTS"], attempts)]),
    ...(stations.length === 0 ? [] : ["", ...table(["STATION", "PASSED", "MEAN"], stations)]),
  ];
}

/** `ledger.executions: 3` for a member of a member. */
function flattened(value: JsonObject, prefix = ""): [label: string, value: string][] {
  return Object.entries(value).flatMap(([name, member]): [string, string][] => {
    if (isJsonObject(member)) return flattened(member, `${prefix}${name}.`);
    return [[prefix + name, typeof member === "string" ? member : JSON.stringify(member)]];
  });
}
