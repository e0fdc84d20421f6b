/**
 * Begins a proposal: everything that needs no approval is checked first, in the order of
 * core/errors.ts, so that what could never run is refused at once.
 */

import { Refusal } from "../../core/errors.ts";
import { emptySeats } from "../../core/approvers_needed.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { commitment } from "../../log/receipt.ts";
import { findAction, type FoundAction, refuseWhileClosed } from "../gate.ts";
import type { Runs } from "../runs.ts";
import type { EngineParts, RequestContext } from "../types.ts";
import type { ParsedProposal } from "./request.ts";
import type { Room } from "./room.ts";
import { shownDigest } from "./shown.ts";

/** Resolves once it is on disk. Throws a Refusal. */
export async function begin(
  id: string,
  nonce: string,
  proposed: ParsedProposal,
  context: RequestContext,
  room: Room,
  parts: EngineParts,
  runs: Runs,
): Promise<ProposalRecord> {
  const { peer: { uid }, socket, receivedAtMs } = context;
  const { action, canonical } = proposed;
  room.checkRate(uid);
  refuseWhileClosed(parts, runs);
  const found = findAction(action, socket, parts);
  const expiresAtMs = receivedAtMs + parts.config.proposals.expiresMs;
  requireApprovers(found, expiresAtMs, parts);
  room.checkDeclined(uid, canonical);
  await parts.executors.check(action, canonical, uid);
  room.begin(uid);
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const isDemo = parts.ledger.mode === "demo";
  const record: ProposalRecord = {
    id,
    action,
    nonce,
    peer: context.peer,
    traceparent: context.traceparent,
    client: proposed.client,
    delivered: false,
    status: isDemo ? "approved" : "pending",
    code: null,
    requestCommitment: commitment(salt, proposed.actionDigest),
    shownDigest: shownDigest(found),
    proposedAtMs: receivedAtMs,
    expiresAtMs,
    approvedAtMs: isDemo ? receivedAtMs : null,
    endedAtMs: null,
    bodies: [],
    collected: [],
    collectedUntil: 0,
    endedBy: null,
    logIndex: null,
  };
  const body = { canonical, salt, reason: proposed.reason, declineReason: null };
  try {
    return await parts.ledger.proposals.propose({ record, body });
  } catch (error) {
    room.leave(uid, false);
    throw error;
  }
}

/** Throws a Refusal: approval_unobtainable. */
function requireApprovers(
  { action }: FoundAction,
  expiresAtMs: number,
  { ledger, trust }: EngineParts,
): void {
  if (ledger.mode === "demo") return;
  const able = trust.approversOf(action, expiresAtMs);
  if (emptySeats(action, able) > 0) throw new Refusal("approval_unobtainable");
}

/** Whether it is the proposal sent again: its text is the same. `reason` is no part of it. */
export function isSame(
  known: ProposalRecord,
  { canonical }: Pick<ParsedProposal, "canonical">,
  ledger: Pick<Ledger, "openRequest" | "proposals">,
): boolean {
  const kept = known.status === "started"
    ? ledger.openRequest(known.id)
    : ledger.proposals.openBody(known.id);
  return kept?.canonical === canonical;
}
