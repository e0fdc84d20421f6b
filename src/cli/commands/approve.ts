/**
 * `openexec approve`: shows what would run, asks, signs.
 *
 * Invariants:
 * - Everything that is signed was shown before, and a person said yes at a terminal, or a script
 *   with --yes.
 * - Standard output holds the approved request and nothing else.
 */

import type { Command } from "commander";
import type { ApprovalClaims } from "../../core/approval_claims.ts";
import type { ApprovalTerms } from "../../client/approval_terms.ts";
import {
  type CarriedApproval,
  countersign,
  newClaims,
  readApproval,
  requireMatch,
  signClaims,
} from "../../client/approve.ts";
import { type ApproverKey, parseApproverKey } from "../../client/approver_key.ts";
import { type ExecutionRequest, parseRequest, requestText } from "../../client/request.ts";
import { Refusal } from "../../core/errors.ts";
import { approvalLines, type Display } from "../approve/display.ts";
import {
  acceptedTerms,
  type ApproveFlags,
  approverOf,
  requireWithinFlags,
  resolveTerms,
  standingOf,
} from "../approve/terms.ts";
import { daemonCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit_code.ts";
import { readInput, readText } from "../terminal/input.ts";

export function approveCommand(context: Context): Command {
  return daemonCommand(
    "approve",
    "show what would run, and sign it",
    `Reads a request, shows it whole, asks on the terminal, and prints the request with a signed
    approval. Run again with another key for a second signature: the terms stay those of the first.
    With --yes nobody sees them, so they have to be those of the flags: one use and 5m where these
    say nothing.`,
  )
    .argument("[file]", "the request; - or nothing reads standard input")
    .requiredOption("--key <file>", "the approver's key, as `openexec keygen` makes it")
    .option("--ttl <duration>", 'how long it is valid, such as "90s" or "5m" (default: 5m)')
    .option(
      "--iss <name>",
      "the approver's name (default: of the key in the configuration, else in its file)",
    )
    .option(
      "--aud <executor>",
      "the executor_id it is for (default: of the configuration, else of the daemon)",
    )
    .option("--sub <peer>", "the only peer that may use it: uid:1000 or socket:agent.sock")
    .option("--tenant <tenant>", "the tenant (default: of the configuration, else of the daemon)")
    .option("--uses <count>", "how many executions it starts; above 1 it binds no nonce")
    .option(
      "--handler-digest <digest>",
      "sha256:… of the handler file that must be the one that runs",
    )
    .option("--replace", "drop the approval that the request carries, and make a new one")
    .option("--yes", "do not ask: the author of the script has decided")
    .action(async (file: string | undefined, flags: ApproveFlags) => {
      const key = parseApproverKey(readText(context, flags.key));
      const request = parseRequest(await readInput(context, file));
      if (request.approval_artifact) {
        throw new UsageError("a ClawShield artifact cannot be signed here");
      }
      const carried = flags.replace ? undefined : readApproval(request);
      const approved = carried === undefined
        ? await approveAnew(context, request, key, flags)
        : await approveAlso(context, request, carried, key, flags);
      context.terminal.print(requestText(approved));
    });
}

async function approveAnew(
  context: Context,
  request: ExecutionRequest,
  key: ApproverKey,
  flags: ApproveFlags,
): Promise<ExecutionRequest> {
  const terms = await resolveTerms(context, key, flags);
  const claims = claimsOf(request, terms, context.clock.nowMs() / 1000);
  confirm(
    context,
    { request, claims, signatures: [], signing: { keyid: key.keyid, name: terms.iss } },
    flags,
  );
  return await signClaims(request, claims, [key]);
}

function claimsOf(
  request: ExecutionRequest,
  terms: ApprovalTerms,
  nowSeconds: number,
): ApprovalClaims {
  try {
    return newClaims(request, terms, nowSeconds);
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

async function approveAlso(
  context: Context,
  request: ExecutionRequest,
  { claims, envelope }: CarriedApproval,
  key: ApproverKey,
  flags: ApproveFlags,
): Promise<ExecutionRequest> {
  requireMatch(request, claims);
  const nowSeconds = context.clock.nowMs() / 1000;
  const accepted = acceptedTerms(context, claims, flags);
  requireWithinFlags(claims, accepted, nowSeconds);
  if (claims.exp <= nowSeconds) {
    throw new Refusal(
      "approval_expired",
      "the approval it carries expired; --replace makes a new one",
    );
  }
  const name = flags.iss ?? approverOf(context, key, flags) ?? key.name ??
    "(an approver no configuration here names)";
  const signatures = standingOf(context, envelope, flags);
  confirm(context, { request, claims, signatures, signing: { keyid: key.keyid, name } }, flags);
  return await countersign(request, [key], accepted, nowSeconds);
}

/** Throws UsageError where there is no terminal to ask on, Refusal approval_missing for a no. */
function confirm(context: Context, shown: Omit<Display, "nowSeconds">, flags: ApproveFlags): void {
  const lines = approvalLines({ ...shown, nowSeconds: context.clock.nowMs() / 1000 });
  for (const line of lines) context.terminal.note(line);
  if (flags.yes) return;
  const answer = context.terminal.ask("Approve this? [y/N] ");
  if (answer === null) {
    throw new UsageError("there is no terminal to ask on; --yes approves without asking");
  }
  if (!/^y(es)?$/i.test(answer)) {
    throw new Refusal("approval_missing", "not approved: nothing was signed");
  }
}
