/** Proposals to store. */

import { uuidV7 } from "../../../src/core/uuid.ts";
import type { NewProposal, ProposalRecord } from "../../../src/ledger/proposals/types.ts";
import { digest, HOUR_MS } from "../scene.ts";

const NOW_MS = 1_800_000_000_000;
let counter = 0;

/** A proposal that begins to wait; every nonce is new unless it is given. */
export function proposalRecord(changes: Partial<ProposalRecord> = {}): ProposalRecord {
  return {
    id: uuidV7(NOW_MS + counter),
    action: "charge_card",
    nonce: `proposal-${++counter}`,
    peer: { uid: 1000, gid: 1000, pid: 77, socket: "agent.sock" },
    traceparent: null,
    client: null,
    delivered: false,
    status: "pending",
    code: null,
    requestCommitment: digest("a"),
    shownDigest: digest("b"),
    proposedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + HOUR_MS,
    approvedAtMs: null,
    endedAtMs: null,
    bodies: [],
    collected: [],
    collectedUntil: 0,
    endedBy: null,
    logIndex: null,
    ...changes,
  };
}

export const SECRET = '{"action":"charge_card","payload":{"card":"4000-0000-0000-0002"}}';

export function newProposal(changes: Partial<ProposalRecord> = {}): NewProposal {
  const salt = new Uint8Array(32).fill(3);
  const body = { canonical: SECRET, salt, reason: "because", declineReason: null };
  return { record: proposalRecord(changes), body };
}
