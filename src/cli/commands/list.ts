/** `openexec list`: executions, newest first. */

import type { Command } from "commander";
import type { Execution } from "../../client/execution.ts";
import { base64Decode } from "../../core/bytes.ts";
import type { Peer } from "../../core/types.ts";
import { visible } from "../../core/visible.ts";
import { decodeReceipt, type ExecutionReceipt } from "../../log/receipt.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { type Context, withDaemon } from "../context.ts";
import { requireId } from "../inputs.ts";

interface ListFlags extends DaemonFlags {
  readonly limit: string;
  readonly before?: string;
  readonly admin?: true;
}

export function listCommand(context: Context): Command {
  return daemonCommand(
    "list",
    "list executions, newest first",
    `An agent socket lists what this user asked for, an admin socket everything. Nonce, peer and
    approvers are those of the receipt, which \`openexec verify\` checks.`,
  )
    .option("--limit <count>", "how many, 1 to 1000", "20")
    .option("--before <id>", "go on from this execution")
    .option("--admin", "ask on the admin socket")
    .action((flags: ListFlags) =>
      withDaemon(context, flags, flags.admin ? "admin" : "agent", async (client) => {
        if (!/^[1-9]\d{0,3}$/.test(flags.limit)) {
          throw new UsageError("--limit is a whole number, 1 to 1000");
        }
        if (flags.before !== undefined) requireId("--before", flags.before);
        const page = {
          limit: Number(flags.limit),
          ...(flags.before === undefined ? {} : { before: flags.before }),
        };
        const executions = await client.list(page);
        if (executions.length === 0 && !flags.json) context.terminal.print("no executions");
        for (const execution of executions) {
          const printed = flags.json ? [JSON.stringify(execution)] : lines(execution);
          for (const line of printed) context.terminal.print(line);
        }
      })
    );
}

/** An execution in three lines, each within 80 columns where names are of usual length. */
function lines(execution: Execution): string[] {
  const { id, action, status, log_index, unreadable = false } = execution;
  const receipt = receiptOf(execution);
  return [
    `${id}  ${status}  ${action}${unreadable ? "  (unreadable: a key of the vault is lost)" : ""}`,
    `  ${madeAt(id)}  log ${log_index ?? "-"}  ${receipt === null ? "" : peerText(receipt.peer)}`,
    `  nonce ${receipt?.nonce ?? "-"}  by ${receipt === null ? "-" : approverText(receipt)}`,
  ].map((line) => visible(line.trimEnd()));
}

/** The body of its receipt, as the daemon shows it and unverified; null while it runs. */
function receiptOf({ attestation }: Execution): ExecutionReceipt | null {
  const payload = attestation?.["payload"];
  const body = typeof payload === "string" ? base64Decode(payload) : undefined;
  const receipt = body === undefined ? undefined : decodeReceipt(body);
  return receipt?.kind === "execution" ? receipt : null;
}

function peerText({ uid, pid, socket }: Peer): string {
  return `uid ${uid}, pid ${pid}, ${socket}`;
}

function approverText({ approval }: ExecutionReceipt): string {
  return approval === undefined
    ? "nobody (demo)"
    : approval.signers.map(({ name }) => name).join(", ") || approval.iss;
}

/** The first 48 bits of a UUIDv7 are its milliseconds since 1970 (RFC 9562, section 5.7). */
function madeAt(id: string): string {
  const ms = parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isNaN(ms) ? "-" : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
