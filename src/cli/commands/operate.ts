/**
 * `openexec halt`, `resume`, `revoke`, `resolve`, `prune`: an operator's levers, on admin sockets.
 */

import { type Command, Option } from "commander";
import type { OpenExecClient } from "../../client/client.ts";
import { NOTE_LENGTH_MAX } from "../../core/limits.ts";
import { daemonCommand, type DaemonFlags } from "../command.ts";
import { printJson } from "../terminal/print.ts";
import { type Context, withDaemon } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { requireId, requireName } from "../inputs.ts";

export function haltCommand(context: Context): Command {
  return daemonCommand(
    "halt",
    "start nothing more",
    `From its answer on, new requests are refused with \`halted\`; what runs goes on. It lasts over
    restarts, until \`openexec resume\`.`,
  )
    .action((flags: DaemonFlags) =>
      act(context, flags, async (client) => {
        await client.operator.halt();
        return { says: "halted: nothing new starts", json: { halted: true } };
      })
    );
}

export function resumeCommand(context: Context): Command {
  return daemonCommand("resume", "lift a halt")
    .action((flags: DaemonFlags) =>
      act(context, flags, async (client) => {
        await client.operator.resume();
        return { says: "resumed", json: { halted: false } };
      })
    );
}

export function revokeCommand(context: Context): Command {
  return daemonCommand(
    "revoke",
    "withdraw an approval",
    `It starts nothing from then on, also if it has not been used yet. What it started already goes
    on.`,
  )
    .argument("<iss>", "the approver's name, as the approval says it")
    .argument("<jti>", "the approval's id")
    .action((iss: string, jti: string, flags: DaemonFlags) =>
      act(context, flags, async (client) => {
        requireName("the approver's name", iss);
        requireName("the approval's id", jti);
        await client.operator.revoke(iss, jti);
        return { says: `revoked ${iss} ${jti}`, json: { iss, jti, revoked: true } };
      })
    );
}

interface ResolveFlags extends DaemonFlags {
  readonly as: "succeeded" | "failed";
  readonly note: string;
}

export function resolveCommand(context: Context): Command {
  return daemonCommand(
    "resolve",
    "declare what came of an unknown outcome",
    `For an execution that timed out, crashed or was interrupted: look downstream what happened,
    then say so, once. The declaration has a receipt of its own, with your uid and the note.`,
  )
    .argument("<id>", "the execution")
    .addOption(
      new Option("--as <outcome>", "what happened").choices(["succeeded", "failed"])
        .makeOptionMandatory(),
    )
    .requiredOption("--note <text>", "why you think so, up to 1000 characters")
    .action((id: string, flags: ResolveFlags) =>
      act(context, flags, async (client) => {
        requireId("the execution", id);
        if (flags.note === "" || flags.note.length > NOTE_LENGTH_MAX) {
          throw new UsageError(`--note has 1 to ${NOTE_LENGTH_MAX} characters`);
        }
        const execution = await client.operator.resolve(id, flags.as, flags.note);
        return { says: `resolved ${id} as ${execution.status}`, json: execution };
      })
    );
}

export function pruneCommand(context: Context): Command {
  return daemonCommand(
    "prune",
    "destroy what has expired, now",
    `Payloads, results and salts whose retention ended become unreadable for good; receipts stay.
    The daemon does this by itself, unless a jump of the clock made it pause.`,
  )
    .action((flags: DaemonFlags) =>
      act(context, flags, async (client) => {
        const pruned = await client.operator.prune();
        return {
          says: `pruned ${pruned.bodies} bodies in ${pruned.buckets} buckets`,
          json: pruned,
        };
      })
    );
}

interface Act {
  readonly says: string;
  readonly json: object;
}

function act(
  context: Context,
  flags: DaemonFlags,
  perform: (client: OpenExecClient) => Promise<Act>,
): Promise<void> {
  return withDaemon(context, flags, "admin", async (client) => {
    const { says, json } = await perform(client);
    if (flags.json) printJson(context, json, true);
    else context.terminal.print(says);
  });
}
