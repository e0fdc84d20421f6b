/** `openexec pending` and `openexec withdraw`: looks at proposals that wait, and takes one back. */

import type { Command } from "commander";
import { approversNeeded, type Proposal } from "../../client/proposals/proposal.ts";
import { whenText } from "../../core/span.ts";
import type { Role } from "../../core/types.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { type Context, withDaemon } from "../context.ts";
import { printJson, table } from "../terminal/print.ts";

interface PendingFlags extends DaemonFlags {
  readonly review?: true;
  readonly admin?: true;
}

export function pendingCommand(context: Context): Command {
  return daemonCommand(
    "pending",
    "list the proposals that wait",
    "An agent socket lists what this user proposed, an approver's and an admin socket everything.",
  )
    .option("--review", "ask on the approver's socket")
    .option("--admin", "ask on the admin socket")
    .action((flags: PendingFlags) =>
      withDaemon(context, flags, roleOf(flags), async (client) => {
        const waiting = await Promise.all(
          (["pending", "approved", "running"] as const).map((status) =>
            client.proposals({ status })
          ),
        );
        const proposals = waiting.flat();
        const lines = flags.json ? proposals.map((one) => JSON.stringify(one)) : rows(proposals);
        for (const line of lines) context.terminal.print(line);
      })
    );
}

export function withdrawCommand(context: Context): Command {
  return daemonCommand(
    "withdraw",
    "take a proposal back",
    "Ends what this user proposed and what does not run yet. It never runs then.",
  )
    .argument("<id>", "the proposal's id, as `openexec pending` shows it")
    .action((id: string, flags: DaemonFlags) =>
      withDaemon(context, flags, "agent", async (client) => {
        printJson(context, await client.withdraw(id), flags.json);
      })
    );
}

function roleOf({ review, admin }: PendingFlags): Role {
  return admin ? "admin" : review ? "approver" : "agent";
}

function rows(proposals: readonly Proposal[]): string[] {
  if (proposals.length === 0) return ["nothing waits"];
  return table(
    ["ID", "ACTION", "STATUS", "SIGNED", "EXPIRES"],
    proposals.map((proposal) => [
      proposal.id,
      proposal.action,
      proposal.status,
      `${proposal.approvals.given.length}/${approversNeeded(proposal)}`,
      whenText(proposal.expires_at, Date.parse(proposal.now)),
    ]),
  );
}
