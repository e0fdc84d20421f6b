/** `openexec propose`: asks for an action, waits for approvers, prints the outcome. */

import type { Command } from "commander";
import * as v from "valibot";
import type { OpenExecClient } from "../../client/client.ts";
import {
  approversNeeded,
  isUndecided,
  outcomeOf,
  type Proposal,
} from "../../client/proposals/proposal.ts";
import { parsePayload } from "../../client/request.ts";
import { span } from "../../config/fields.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { type Context, RETRIED, withDaemon } from "../context.ts";
import { Interrupted, UNDECIDED, UsageError } from "../exit_code.ts";
import { requireName, requireReason } from "../inputs.ts";
import { readArgument } from "../terminal/input.ts";
import { printJson } from "../terminal/print.ts";

interface ProposeFlags extends DaemonFlags {
  readonly nonce?: string;
  readonly reason?: string;
  readonly wait?: string;
}

export function proposeCommand(context: Context): Command {
  return daemonCommand(
    "propose",
    "ask for an action that approvers decide on",
    `The daemon keeps the proposal until approvers decided, it expired or you withdraw it; nobody
    has to stay connected. Prints the outcome as \`openexec exec\` does, or the proposal where it
    has none, and ends with 5 while it is undecided. Run again under the same --nonce it is the
    same proposal: it is looked at, and waited for.`,
  )
    .argument("<action>", "what to ask for; see `openexec actions`")
    .argument("[payload]", "its JSON object; @FILE reads a file, - standard input", "{}")
    .option("--reason <text>", "why, for the approver, at most 500 characters")
    .option("--nonce <nonce>", "names the proposal; 1 to 255 visible ASCII (default: random)")
    .option(
      "--wait <duration>",
      'how long to wait for the end, such as "10m" (default: not at all)',
    )
    .action(async (action: string, payload: string, flags: ProposeFlags) => {
      requireName("the action", action);
      if (flags.nonce !== undefined) requireName("the nonce", flags.nonce);
      if (flags.reason !== undefined) requireReason(flags.reason);
      const json = parsePayload(await readArgument(context, payload));
      const waitMs = flags.wait === undefined ? 0 : waitOf(flags.wait);
      const nonce = flags.nonce ?? crypto.randomUUID();
      await withDaemon(context, flags, "agent", async (client) => {
        const reason = flags.reason === undefined ? {} : { reason: flags.reason };
        const proposed = await client.propose(action, json, { nonce, ...reason });
        if (isUndecided(proposed)) tellWaiting(context, proposed, flags);
        tellEnd(context, await endOf(context, client, proposed, waitMs), flags);
      }, RETRIED);
    });
}

/** Ctrl-C ends the wait alone: the proposal stays. */
async function endOf(
  context: Context,
  client: OpenExecClient,
  proposed: Proposal,
  waitMs: number,
): Promise<Proposal> {
  if (!isUndecided(proposed) || waitMs === 0) return proposed;
  try {
    const signal = context.interruption();
    return await client.waitFor({ proposal: proposed.id }, { waitMs, signal });
  } catch (error) {
    if (error instanceof Interrupted) return proposed;
    throw error;
  }
}

/** Before the wait: whoever started it may have to know what to ask for again. */
function tellWaiting({ terminal }: Context, proposed: Proposal, { json }: ProposeFlags): void {
  if (json) return terminal.note(JSON.stringify(proposed));
  const needed = approversNeeded(proposed);
  const approvers = `${needed} approver${needed === 1 ? "" : "s"}`;
  terminal.note(`proposal ${proposed.id} waits for ${approvers} until ${proposed.expires_at}`);
  terminal.note(`  nonce ${proposed.nonce}`);
}

/** Throws the OpenExecError that an end without success is. */
function tellEnd(context: Context, proposal: Proposal, { json }: ProposeFlags): void {
  printJson(context, proposal.execution ?? proposal, json);
  if (isUndecided(proposal)) context.exitCode = UNDECIDED;
  else outcomeOf(proposal);
}

function waitOf(text: string): number {
  const parsed = v.safeParse(span, text);
  if (!parsed.success) throw new UsageError('--wait is a duration, such as "30s" or "10m"');
  return parsed.output;
}
