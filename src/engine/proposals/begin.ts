/**
 * Begins a proposal: reads the rest of its body, {action, payload?, nonce?, reason?, client?} and
 * nothing else, and checks everything that needs no approval, in the order of core/errors.ts, so
 * that what could never run is refused at once.
 */

import { isSameText } from "../../core/bytes.ts";
import { emptySeats } from "../../core/approvers_needed.ts";
import { Refusal } from "../../core/errors.ts";
import { isReason } from "../../core/limits.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { commitment } from "../../log/receipt.ts";
import { type Asked, malformed, nameOf, nonceOf, type RequestText } from "../request.ts";
import type { Runs } from "../runs.ts";
import { findAction, type FoundAction, refuseWhileClosed } from "../starter.ts";
import type { EngineParts, RequestContext } from "../types.ts";
import type { Room } from "./room.ts";
import { shownDigest } from "./view.ts";

export interface ParsedProposal extends Asked {
  /** null: the proposal's id stands for it. */
  readonly nonce: string | null;
  /** The agent's own words; null for none. */
  readonly reason: string | null;
  readonly client: string | null;
}

/** The members of POST /proposals. */
export const PROPOSAL_MEMBERS: readonly string[] = [
  "action",
  "payload",
  "nonce",
  "reason",
  "client",
];

/** Throws a Refusal: request_malformed. */
export function parseProposal(
  { members, ...asked }: RequestText,
  idempotencyKey: string | null,
): ParsedProposal {
  const client = members.get("client");
  return {
    ...asked,
    nonce: nonceOf(members.get("nonce"), idempotencyKey),
    reason: reasonOf(members.get("reason")),
    client: client === undefined ? null : nameOf(client, "client"),
  };
}

/** `text` is a member's JSON text. */
function reasonOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const reason: unknown = JSON.parse(text);
  if (typeof reason === "string" && isReason(reason)) return reason;
  throw malformed("reason must be a string of at most 500 characters.");
}

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
  return kept !== undefined && isSameText(kept.canonical, canonical);
}
