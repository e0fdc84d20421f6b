/**
 * `openexec approve`: shows what would run, asks, signs.
 *
 * Invariants:
 * - Everything that is signed was shown before, and a person said yes at a terminal, or a script
 *   with --yes.
 * - Standard output holds the approved request and nothing else.
 */

import type { Command } from "commander";
import { resolve } from "node:path";
import type { ApprovalClaims } from "../../core/signed_claims.ts";
import type { ApprovalTerms } from "../../client/approval_terms.ts";
import {
  type CarriedApproval,
  countersign,
  newClaims,
  readApproval,
  requireMatch,
  signClaims,
} from "../../client/approve.ts";
import { type ExecutionRequest, parseRequest, requestText } from "../../client/request.ts";
import { Refusal } from "../../core/errors.ts";
import { approvalScreen, type Display } from "../approve/display.ts";
import {
  acceptedTerms,
  type ApproveFlags,
  requireWithinFlags,
  resolveTerms,
  standingOf,
} from "../approve/terms.ts";
import { doubtsAbout } from "../approve/doubts.ts";
import {
  approverOf,
  type ApprovingKey,
  approvingKey,
  KEYID_HELP,
  SSH_HELP,
} from "../approve/approving_key.ts";
import { gatherKnowledge, handlerFacts } from "../approve/knowledge.ts";
import { daemonCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { Declined, UsageError } from "../exit_code.ts";
import { showInPages } from "../terminal/pages.ts";
import { writeWhole } from "../terminal/output.ts";
import { readInput } from "../terminal/input.ts";

export function approveCommand(context: Context): Command {
  return daemonCommand(
    "approve",
    "show what would run, and sign it",
    `Reads a request, shows it whole, asks on the terminal, and prints the request with a signed
    approval. Run again with another key for a second signature: the terms stay those of the first.
    With --yes nobody sees them, so they have to be those of the flags: one use and 5m where these
    say nothing. The time it is valid for counts from the answer. What this host knows could never
    run is warned of, and refused with --yes.`,
  )
    .argument("[file]", "the request; - or nothing reads standard input")
    .option("--key <file>", "the approver's key, as `openexec keygen` makes it")
    .option("--ssh <file>", SSH_HELP)
    .option("--keyid <keyid>", KEYID_HELP)
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
    .option("--out <file>", "write the approved request there, once it is signed and not before")
    .option("--anyway", "with --yes: sign also what this host knows the daemon would refuse")
    .option("--yes", "do not ask: the author of the script has decided")
    .action(async (file: string | undefined, flags: ApproveFlags) => {
      const key = approvingKey(context, flags);
      const request = parseRequest(await readInput(context, file));
      if (request.approval_artifact) {
        throw new UsageError("a ClawShield artifact cannot be signed here");
      }
      const carried = flags.replace ? undefined : readApproval(request);
      const approved = carried === undefined
        ? await approveAnew(context, request, key, flags)
        : await approveAlso(context, request, carried, key, flags);
      if (flags.out === undefined) context.terminal.print(requestText(approved));
      else writeWhole(resolve(context.cwd, flags.out), `${requestText(approved)}\n`);
    });
}

async function approveAnew(
  context: Context,
  request: ExecutionRequest,
  key: ApprovingKey,
  flags: ApproveFlags,
): Promise<ExecutionRequest> {
  const terms = await resolveTerms(context, key, flags);
  const claims = claimsOf(request, terms, nowSeconds(context));
  await confirm(context, { request, claims, isNew: true, key, name: terms.iss }, flags);
  // the time it is good for counts from the answer: whoever reads for long loses none of it
  const iat = Math.floor(nowSeconds(context));
  return await signClaims(request, { ...claims, iat, exp: iat + claims.exp - claims.iat }, [key]);
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
  key: ApprovingKey,
  flags: ApproveFlags,
): Promise<ExecutionRequest> {
  requireMatch(request, claims);
  const accepted = acceptedTerms(context, claims, flags);
  requireWithinFlags(claims, accepted, nowSeconds(context));
  requireUnexpired(context, claims);
  const name = approverOf(context, key, flags) ?? "(an approver no configuration here names)";
  const signatures = standingOf(context, envelope, flags);
  await confirm(context, { request, claims, isNew: false, key, name, signatures }, flags);
  requireUnexpired(context, claims);
  return await countersign(request, [key], accepted, nowSeconds(context));
}

function requireUnexpired(context: Context, claims: ApprovalClaims): void {
  if (claims.exp > nowSeconds(context)) return;
  throw new Refusal(
    "approval_expired",
    "the approval it carries expired; --replace makes a new one",
  );
}

interface Question extends Pick<Display, "request" | "claims" | "isNew"> {
  readonly key: ApprovingKey;
  readonly name: string;
  readonly signatures?: Display["signatures"];
}

/**
 * Shows what would be signed, and resolves after a yes.
 * Throws UsageError where there is no terminal to ask on, Declined for a no, and with --yes the
 * Refusal that a daemon would answer.
 */
async function confirm(context: Context, question: Question, flags: ApproveFlags): Promise<void> {
  const { request, claims, isNew, key, name, signatures = [] } = question;
  const knowledge = await gatherKnowledge(context, flags, claims.aud, request.nonce);
  const doubts = doubtsAbout({ request, claims, key }, knowledge, nowSeconds(context));
  const { terminal } = context;
  const display = {
    request,
    claims,
    isNew,
    signatures,
    signing: { keyid: key.keyid, name },
    handler: handlerFacts(knowledge, request.action),
    doubts,
    nowSeconds: nowSeconds(context),
  };
  const { payload, summary } = approvalScreen(display, terminal.size()?.columns ?? null);
  if (flags.yes) {
    for (const line of [...payload, ...summary]) terminal.note(line);
    const [first] = doubts;
    if (first !== undefined && !flags.anyway) {
      throw new Refusal(first.code, `${first.text}; --anyway signs it all the same`);
    }
    return;
  }
  if (!showInPages(terminal, payload, request.action)) throw new Declined(terminal);
  for (const line of summary) terminal.note(line);
  const answer = terminal.ask("Approve this? [y/N] ");
  if (answer === null) {
    throw new UsageError("there is no terminal to ask on; --yes approves without asking");
  }
  if (!/^y(es)?$/i.test(answer)) throw new Declined(terminal);
}

function nowSeconds({ clock }: Context): number {
  return clock.nowMs() / 1000;
}
