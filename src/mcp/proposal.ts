/** A proposal as the daemon answers it, as far as this room reads it. */

import { isArray } from "../core/json.ts";
import { PROPOSAL_STATUSES, type ProposalStatus } from "../core/proposal.ts";
import { isSeats, seatCount } from "../core/seats.ts";
import { oneOf, open, string } from "../core/shape.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "../client/json.ts";

export interface Proposal extends JsonObject {
  readonly id: string;
  readonly action: string;
  readonly status: ProposalStatus;
  readonly proposed_at: string;
  readonly expires_at: string;
}

const hasMembers = open({
  id: string,
  action: string,
  status: oneOf(...PROPOSAL_STATUSES),
  proposed_at: string,
  expires_at: string,
});

/** Returns undefined for anything else. */
export function proposalOf(body: Json): Proposal | undefined {
  const isProposal = (value: unknown): value is Proposal => hasMembers(value);
  return isProposal(body) ? body : undefined;
}

/** Says how many approvals there are of those needed. */
export function approvalsText({ approvals }: Proposal): string {
  const { given, needed } = isJsonObject(approvals) ? approvals : {};
  const seats = isSeats(needed) ? seatCount(needed) : 1;
  return `${isArray(given) ? given.length : 0} of ${seats} approvals given`;
}
