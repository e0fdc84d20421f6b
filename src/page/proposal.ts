/**
 * A proposal as the daemon shows it to a reviewer, read and held to what is signed.
 *
 * Invariant: action and payload that are shown are the parse of the canonical text, and the digest
 * that is signed is computed here, from that text. No other member of the answer says what would
 * run.
 */

import { isJsonObject } from "../client/json.ts";
import type { ExecutionRequest } from "../client/request.ts";
import { parseCanonical, toValue } from "../core/json.ts";
import { PROPOSAL_STATUSES } from "../core/proposal.ts";
import { array, oneOf, open, optional, string, type TypeOf, whole } from "../core/shape.ts";
import type { Json, JsonObject } from "../core/types.ts";

const anything = (value: unknown): value is Json => value !== undefined;
const jsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isProposal = open({
  id: string,
  action: string,
  nonce: string,
  reason: optional(string),
  status: oneOf(...PROPOSAL_STATUSES),
  proposed_at: string,
  expires_at: string,
  now: string,
  peer: open({ uid: whole, pid: whole }),
  approvals: open({
    needed: anything,
    given: array(open({ name: string, keyid: string, kind: string })),
    max_ttl_seconds: optional(whole),
  }),
  decline: optional(open({ by: string, reason: anything, at: string })),
  execution: optional(jsonObject),
  problem: optional(open({ code: string, detail: string, effect: string })),
  request: optional(open({ canonical: string, action_digest: string })),
  handler: optional(open({ digest: string, permissions: jsonObject })),
  similar: optional(array(open({ id: string, status: string, at: string }))),
  approval: optional(array(jsonObject)),
});

export type Proposal = TypeOf<typeof isProposal>;

/** Throws an Error for an answer that is no proposal. */
export function proposalOf(answer: Json): Proposal {
  if (isProposal(answer)) return answer;
  throw new Error("The daemon sent something that is not a proposal.");
}

export interface ProposalPage {
  readonly proposals: readonly Proposal[];
  /** Where the next page begins; null on the last one. */
  readonly next: string | null;
}

/** Throws as proposalOf does. */
export function proposalsOf(answer: Json): ProposalPage {
  const { proposals, next } = isJsonObject(answer) ? answer : {};
  if (!Array.isArray(proposals)) throw new Error("The daemon sent something that is no list.");
  return {
    proposals: proposals.map(proposalOf),
    next: typeof next === "string" ? next : null,
  };
}

/**
 * Returns what would run. Throws an Error where the canonical text is missing (it was pruned), or
 * says another action than the rest of the answer does.
 */
export function requestOf(proposal: Proposal): ExecutionRequest {
  const text = proposal.request?.canonical;
  const value = text === undefined ? null : toValue(parseCanonical(text));
  const { action, payload } = isJsonObject(value) ? value : {};
  if (action !== proposal.action || !isJsonObject(payload)) {
    throw new Error("What would run is not known any more, or the daemon contradicts itself.");
  }
  return { action, payload, nonce: proposal.nonce };
}

/** Tells whether two proposals ask for the very same: an approval of one would read the same. */
export function isSame(a: Proposal, b: Proposal): boolean {
  return a.request !== undefined && a.request.canonical === b.request?.canonical &&
    a.peer.uid === b.peer.uid && a.handler?.digest === b.handler?.digest;
}
