/** `openexec show`: one execution, with the proof that its receipt is in the log. */

import type { Command } from "commander";
import type { OpenExecClient } from "../../client/client.ts";
import type { Execution } from "../../client/execution.ts";
import { isUuid } from "../../core/uuid.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { requireName } from "../inputs.ts";
import { printJson } from "../terminal/print.ts";
import { type Context, RETRIED, withDaemon } from "../context.ts";

export function showCommand(context: Context): Command {
  return daemonCommand(
    "show",
    "show an execution",
    `Prints the execution with its signed receipt and the proof that the log holds it: keep it,
    \`openexec verify\` reads it. An agent socket shows what this user asked for, an admin socket
    everything.`,
  )
    .argument("<id>", "the execution's id, or the nonce it was asked for with")
    .option("--admin", "ask on the admin socket")
    .action(async (id: string, flags: DaemonFlags & { readonly admin?: true }) => {
      requireName("an id or a nonce", id);
      await withDaemon(context, flags, flags.admin ? "admin" : "agent", async (client) => {
        const call = { retry: false };
        const execution = isUuid(id)
          ? await client.get(id, call)
          : await client.getByNonce(id, call);
        printJson(context, { ...execution, ...await proofOf(client, execution) }, flags.json);
      }, RETRIED);
    });
}

async function proofOf(
  client: OpenExecClient,
  { log_index }: Execution,
): Promise<{ tlog_proof?: string }> {
  if (log_index === null) return {};
  const { tlog_proof } = await client.receipt(log_index);
  return typeof tlog_proof === "string" ? { tlog_proof } : {};
}
