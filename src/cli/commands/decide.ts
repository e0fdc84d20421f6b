/** `openexec decide`: approves or declines one proposal in one go. */

import type { Command } from "commander";
import type { ReviewedProposal } from "../../client/proposals/reviewed.ts";
import { KEYID_HELP, openSigner, type SignerFlags, SSH_HELP } from "../approve/approving_key.ts";
import { ttlOf } from "../approve/terms.ts";
import { daemonCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { Declined, UsageError } from "../exit_code.ts";
import { requireReason } from "../inputs.ts";
import { proposalLines } from "../review/proposal_lines.ts";
import { openReviewSockets, type ReviewSocket } from "../review/sockets.ts";
import { showInPages } from "../terminal/pages.ts";
import { printJson } from "../terminal/print.ts";

interface DecideFlags extends SignerFlags {
  readonly approve?: true;
  readonly decline?: true;
  readonly reason?: string;
  readonly ttl?: string;
  readonly yes?: true;
}

export function decideCommand(context: Context): Command {
  return daemonCommand(
    "decide",
    "approve or decline a proposal",
    `Shows the proposal whole as \`openexec review\` does, asks on the terminal, signs the decision
    and hands it in on the approver's socket. Prints the proposal as it is then: an approval that
    was the last one needed starts it.`,
  )
    .argument("<id>", "the proposal's id, as `openexec pending --review` shows it")
    .option("--approve", "sign an approval of exactly what is shown")
    .option("--decline", "end it; it never runs")
    .option("--reason <text>", "with --decline: why, for the agent, at most 500 characters")
    .option("--key <file>", "the approver's key, as `openexec keygen` makes it")
    .option("--ssh <file>", SSH_HELP)
    .option("--keyid <keyid>", KEYID_HELP)
    .option("--iss <name>", "the approver's name (default: of the key)")
    .option(
      "--ttl <duration>",
      'how long the approval is good for at most, such as "5m" (default: as long as may be)',
    )
    .option("--yes", "do not ask: the author of the script has decided")
    .action(async (id: string, flags: DecideFlags) => {
      requireWhole(flags);
      const signer = openSigner(context, flags);
      const sockets = flags.socket === undefined ? [] : [flags.socket];
      const [socket] = await openReviewSockets(context, flags, sockets);
      if (socket === undefined) throw new UsageError("there is no approver's socket");
      try {
        const proposal = await socket.reviewer.get(id);
        confirm(context, socket, proposal, flags);
        const decided = flags.approve
          ? await socket.reviewer.approve(proposal, signer, ttlOption(flags))
          : await socket.reviewer.decline(proposal, signer, flags.reason ?? "");
        printJson(context, decided, flags.json);
      } finally {
        socket.reviewer.close();
      }
    });
}

function requireWhole({ approve, decline, reason }: DecideFlags): void {
  if (approve === decline) throw new UsageError("say one of --approve and --decline");
  if (approve && reason !== undefined) throw new UsageError("--reason goes with --decline");
  if (reason !== undefined) requireReason(reason);
}

function ttlOption({ ttl }: DecideFlags): { ttlSeconds?: number } {
  return ttl === undefined ? {} : { ttlSeconds: ttlOf(ttl) };
}

/** Throws UsageError where there is no terminal to ask on, and Declined for a no. */
function confirm(
  { terminal, clock }: Context,
  { executorId }: ReviewSocket,
  proposal: ReviewedProposal,
  flags: DecideFlags,
): void {
  const columns = terminal.size()?.columns ?? null;
  const { body, beside } = proposalLines(proposal, executorId, clock.nowMs(), columns);
  if (flags.yes) {
    for (const line of [...body, "", ...beside]) terminal.note(line);
    return;
  }
  if (!showInPages(terminal, [...body, ""], proposal.action)) throw new Declined(terminal);
  for (const line of beside) terminal.note(line);
  const answer = terminal.ask(flags.approve ? "Approve this? [y/N] " : "Decline this? [y/N] ");
  if (answer === null) {
    throw new UsageError("there is no terminal to ask on; --yes decides without asking");
  }
  if (!/^y(es)?$/i.test(answer)) throw new Declined(terminal);
}
