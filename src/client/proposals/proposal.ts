/**
 * A proposal as the daemon shows it, with the members of the wire: SDK and curl agree. Members that
 * this SDK does not know are kept.
 */

import { isJsonObject } from "../../core/json/json.ts";
import { type Effect, ERRORS, isErrorCode, type Retry } from "../../core/errors.ts";
import { array, oneOf, open, optional, string, whole } from "../../core/shape.ts";
import {
  isSeats,
  type Requirement,
  REQUIREMENTS,
  seatCount,
  type SeatsJson,
} from "../../core/approvers_needed.ts";
import { isOver, PROPOSAL_STATUSES, type ProposalStatus } from "../../core/proposal.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import { OpenExecError } from "../errors.ts";
import { type Execution, executionOf } from "../execution.ts";

export interface Proposal {
  /** UUIDv7; the execution's id once it runs. */
  readonly id: string;
  readonly action: string;
  /** null once it was pruned. */
  readonly payload: JsonObject | null;
  readonly nonce: string;
  /** The agent's own words. */
  readonly reason?: string;
  readonly status: ProposalStatus;
  /** RFC 3339, as are the other times. */
  readonly proposed_at: string;
  readonly expires_at: string;
  /** The daemon's clock when it answered. */
  readonly now: string;
  /** `pid` is that of the process that proposed it, at the time. */
  readonly peer: { readonly uid: number; readonly pid: number };
  readonly approvals: {
    /** Distinct approvers, or how many of which group. */
    readonly needed: SeatsJson;
    /** How strong a key has to be. */
    readonly require?: Requirement;
    readonly given: readonly GivenSignature[];
    /** The smallest max_ttl of those who may sign. */
    readonly max_ttl_seconds: number;
  };
  readonly decline?: { readonly by: string; readonly reason: string | null; readonly at: string };
  /** The run that it became. */
  readonly execution?: Execution;
  /** Why it ended without success. */
  readonly problem?: ProposalProblem;
}

/** One signature so far; `iss` and `jti` name the body that it covers. */
export interface GivenSignature {
  readonly name: string;
  readonly keyid: string;
  readonly kind: string;
  readonly iss: string;
  readonly jti: string;
}

export interface ProposalProblem {
  readonly code: string;
  readonly detail: string;
  readonly effect: Effect;
  readonly retry: Retry;
}

const isGiven = open({ name: string, keyid: string, kind: string, iss: string, jti: string });
const isDecline = open({ by: string, at: string });
const isProblem = open({
  code: string,
  detail: string,
  effect: oneOf<Effect>("none", "unknown"),
  retry: oneOf<Retry>("never", "same_request", "new_approval"),
});
const isProposal = open({
  id: string,
  action: string,
  nonce: string,
  reason: optional(string),
  status: oneOf<ProposalStatus>(...PROPOSAL_STATUSES),
  proposed_at: string,
  expires_at: string,
  now: string,
  peer: open({ uid: whole, pid: whole }),
  approvals: open({
    needed: isSeats,
    require: optional(oneOf(...REQUIREMENTS)),
    given: array(isGiven),
    max_ttl_seconds: whole,
  }),
  decline: optional(isDecline),
  problem: optional(isProblem),
});

/** Returns undefined for no proposal object. */
export function proposalOf(value: Json): Proposal | undefined {
  if (!isJsonObject(value) || !isProposal(value)) return undefined;
  const { payload, decline, execution } = value as JsonObject;
  const ran = executionOf(execution ?? null);
  const reason = isJsonObject(decline) ? decline["reason"] : undefined;
  const { execution: _, decline: declined, ...members } = value as typeof value & JsonObject;
  return {
    ...members,
    payload: isJsonObject(payload) ? payload : null,
    ...(declined === undefined
      ? {}
      : { decline: { ...declined, reason: typeof reason === "string" ? reason : null } }),
    ...(ran === undefined ? {} : { execution: ran }),
  };
}

/** A page of proposals. */
export interface ProposalsPage {
  readonly proposals: readonly Proposal[];
  /** The cursor to go on from; null where there are no more. */
  readonly next: string | null;
}

/** Returns undefined when it is no list of proposals. */
export function proposalsOf(value: Json): ProposalsPage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { proposals: listed, next } = value;
  if (!Array.isArray(listed)) return undefined;
  const proposals = listed.map(proposalOf).filter((proposal) => proposal !== undefined);
  if (proposals.length !== listed.length) return undefined;
  return { proposals, next: typeof next === "string" ? next : null };
}

/** Returns how many approvers it needs, of whatever groups. */
export function approversNeeded({ approvals: { needed } }: Proposal): number {
  return seatCount(needed);
}

/** Tells whether it waits for approvers or for a slot, or runs: it may still change. */
export function isUndecided({ status }: Proposal): boolean {
  return !isOver(status);
}

/**
 * Returns the execution of a proposal that succeeded. Throws the OpenExecError that says why it did
 * not, with an approver's reason in `detail`. An undecided one throws execution_in_flight: ask
 * isUndecided() first.
 */
export function outcomeOf(proposal: Proposal): Execution {
  const { execution = null, problem, status, decline } = proposal;
  if (status === "succeeded" && execution !== null) return execution;
  const code = problem?.code ?? (isOver(status) ? "internal_error" : "execution_in_flight");
  const row = isErrorCode(code) ? ERRORS[code] : ERRORS.internal_error;
  const reason = decline?.reason ? `${decline.by}: ${decline.reason}` : undefined;
  throw new OpenExecError({
    code,
    status: row.status,
    detail: reason ?? problem?.detail ?? `the proposal is ${status}`,
    effect: problem?.effect ?? "unknown",
    retry: problem?.retry ?? "never",
    execution,
    retryAfterMs: null,
  });
}
