/**
 * Tells the model about a proposal: what happened, whether it had an effect, and how to go on.
 *
 * A refusal or a decline says so in words that leave no way around it.
 */

import type { CallToolResult } from "@modelcontextprotocol/server";
import type { Effect, Retry } from "../core/errors.ts";
import { isOver } from "../core/proposal.ts";
import { OpenExecError } from "../client/errors.ts";
import {
  approversNeeded,
  type Proposal,
  type ProposalProblem,
} from "../client/proposals/proposal.ts";

export const WAIT_TOOL = "openexec_wait";
export const WITHDRAW_TOOL = "openexec_withdraw";

const HOW_TO_GO_ON: Readonly<Record<Retry, string>> = {
  never: "Do not call it again with these arguments.",
  same_request: "Calling it again later with the same arguments is safe.",
  new_approval: "If it is still needed, call it again: a person decides anew.",
};

const EFFECT: Readonly<Record<Effect, string>> = {
  none: "Nothing ran.",
  unknown: "It may have had an effect.",
};

/** Where the daemon does not say why a proposal ended. */
const UNSAID = { code: "unknown", detail: "", effect: "unknown", retry: "never" } as const;

const AFTER_UNKNOWN = "Do not try again: somebody has to look at what happened first.";

/** Refusals that come before anyone looks for an earlier proposal of the same arguments. */
const BEFORE_LOOK: ReadonlySet<string> = new Set([
  "peer_denied",
  "rate_limited",
  "role_denied",
  "request_too_large",
]);
const NOT_LOOKED = "This call started nothing; an earlier one with these arguments may have run.";

/**
 * An answer about a proposal, however it stands. Some clients show the model nothing but the
 * structured content, so the words are a member of it as well.
 */
export function resultOf(proposal: Proposal): CallToolResult {
  const isError = isOver(proposal.status) && proposal.status !== "succeeded";
  return answer(textOf(proposal), proposal, isError);
}

/** An answer where the daemon did not take a call. */
export function refusalResult(error: unknown): CallToolResult {
  if (error instanceof OpenExecError) {
    const { code, detail, effect, retry } = error;
    if (BEFORE_LOOK.has(code)) {
      const text = `${code}: ${detail} ${NOT_LOOKED} ${HOW_TO_GO_ON[retry]}`;
      return answer(text, { problem: { code, detail, effect: "unknown", retry } }, true);
    }
    const problem = { code, detail, effect, retry };
    return answer(problemText(problem), { problem }, true);
  }
  const detail = "The daemon that keeps the proposals does not answer.";
  const text = `${detail} Calling it again later with the same arguments is safe: it goes on ` +
    "with the same proposal.";
  const problem = { code: null, detail, effect: "unknown", retry: "same_request" };
  return answer(text, { problem }, true);
}

/** The same where the call was about a proposal that may run, or may have run, all the same. */
export function failureResult(error: unknown): CallToolResult {
  if (!(error instanceof OpenExecError)) return refusalResult(error);
  const { code, detail, retry } = error;
  const effect = code === "proposal_not_found" ? error.effect : "unknown";
  return answer(`${code}: ${detail}`, { problem: { code, detail, effect, retry } }, true);
}

/** Returns what a progress notification says. */
export function progressText(proposal: Proposal): string {
  return proposal.status === "pending"
    ? `Waiting for approval: ${approvalsText(proposal)}.`
    : "Approved; it runs, or is about to.";
}

function answer(text: string, structuredContent: object, isError: boolean): CallToolResult {
  return {
    content: [{ type: "text", text }],
    structuredContent: { message: text, ...structuredContent },
    ...(isError ? { isError } : {}),
  };
}

function textOf(proposal: Proposal): string {
  switch (proposal.status) {
    case "pending":
      return pendingText(proposal, `Nothing ran yet: ${approvalsText(proposal)}.`);
    case "approved":
      return pendingText(proposal, "It is approved and about to run.");
    case "running":
      return pendingText(proposal, "It is approved and runs.");
    case "succeeded":
      return succeededText(proposal);
    case "declined":
      return declinedText(proposal);
    default:
      return problemText(proposal.problem ?? UNSAID, proposal.execution?.reason);
  }
}

function pendingText({ id, expires_at }: Proposal, state: string): string {
  const named = JSON.stringify({ proposal: id });
  return `Pending. ${state} To go on waiting, call ${WAIT_TOOL} with ${named}, now or later; ` +
    "calling this tool again with the same arguments does the same and proposes nothing new. It " +
    `waits until ${expires_at}. To take it back, call ${WITHDRAW_TOOL} with that id. Do not try ` +
    "to get the same effect in another way.";
}

function succeededText({ execution, proposed_at }: Proposal): string {
  const result = JSON.stringify(execution?.result ?? null);
  return `Done, once, as proposed at ${proposed_at}. Result: ${result}`;
}

function declinedText({ decline }: Proposal): string {
  const reason = decline?.reason ? `: ${JSON.stringify(decline.reason)}` : " without a reason";
  return `Declined by ${decline?.by ?? "an approver"}${reason}. Nothing ran. Do not propose it ` +
    "again and do not try to get the same effect in another way; tell the user, or do without.";
}

function problemText(problem: ProposalProblem, reason?: string): string {
  const { code, detail, effect, retry } = problem;
  const further = code === "payload_invalid"
    ? "Correct the arguments and call it again."
    : effect === "unknown"
    ? AFTER_UNKNOWN
    : HOW_TO_GO_ON[retry];
  const said = reason === undefined ? "" : ` The action says: ${JSON.stringify(reason)}.`;
  return `${code}: ${detail}${said} ${EFFECT[effect]} ${further}`;
}

/** Says how many approvals there are of those needed. */
function approvalsText(proposal: Proposal): string {
  return `${proposal.approvals.given.length} of ${approversNeeded(proposal)} approvals given`;
}
