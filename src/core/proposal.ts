/**
 * The life of a proposal: a request that waits for a person.
 *
 * pending -> approved (enough signatures, waits for a slot) -> running -> an end of an execution.
 * From `pending` and `approved` it may also end as declined, expired, withdrawn or refused; and
 * `approved` goes back to `pending` when a signature runs out before it started.
 */

import type { ExecutionStatus } from "./types.ts";

/** It may still change. */
export const OPEN_STATUSES = ["pending", "approved", "running"] as const;

/** It ended, and nothing ran. */
export const UNSTARTED_ENDS = ["declined", "expired", "withdrawn", "refused"] as const;

export type OpenStatus = typeof OPEN_STATUSES[number];
export type UnstartedEnd = typeof UNSTARTED_ENDS[number];

/** A proposal waits, runs, ended before anything ran, or ended as its execution did. */
export type ProposalStatus = OpenStatus | UnstartedEnd | Exclude<ExecutionStatus, "reserved">;

export const PROPOSAL_STATUSES = [
  ...OPEN_STATUSES,
  ...UNSTARTED_ENDS,
  "succeeded",
  "failed",
  "timed_out",
  "crashed",
  "outcome_unknown",
] as const satisfies readonly ProposalStatus[];

/** Tells whether nothing about it changes any more. */
export function isOver(status: ProposalStatus): boolean {
  return !OPEN_STATUSES.some((open) => open === status);
}
