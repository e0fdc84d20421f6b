/** A waiting proposal as a request again, with the action that it asks for as it is today. */

import { basename } from "node:path";
import { actionDigest } from "../../core/json/canonical_json.ts";
import { Refusal } from "../../core/errors.ts";
import type { ProposalRecord } from "../../ledger/proposals/types.ts";
import { findAction, type FoundAction } from "../starter.ts";
import type { EngineParts } from "../types.ts";
import type { Subject } from "./signatures.ts";

export interface Proposed extends Subject {
  /** 32 bytes, of the request's commitment. */
  readonly salt: Uint8Array;
}

/**
 * Throws a Refusal: peer_denied, action_not_allowed, action_unknown; ledger_unavailable where its
 * body cannot be read.
 */
export function subjectOf(record: ProposalRecord, parts: EngineParts): Proposed {
  const found = foundFor(record, parts);
  return { record, found, ...requestOf(record, parts) };
}

/** Throws a Refusal: ledger_unavailable. */
export function requestOf(
  { id, action, nonce }: ProposalRecord,
  { ledger }: Pick<EngineParts, "ledger">,
): Pick<Proposed, "request" | "salt"> {
  const body = ledger.proposals.openBody(id);
  if (body === undefined) throw new Refusal("ledger_unavailable");
  const { canonical, salt } = body;
  const asked = { action, canonical, actionDigest: actionDigest(canonical) };
  return { request: { ...asked, legacyActionHash: null, nonce }, salt };
}

/** The action, asked for through the socket that the proposer came through. */
function foundFor({ action, peer }: ProposalRecord, parts: EngineParts): FoundAction {
  const socket = parts.config.sockets.find(({ path }) => basename(path) === peer.socket);
  if (socket === undefined || !(socket.uids?.has(peer.uid) ?? true)) {
    throw new Refusal("peer_denied", "The socket that it was proposed through is closed to it.");
  }
  return findAction(action, socket, parts);
}

/** The refusals that no waiting helps: the proposal can never run any more. */
const FINAL: ReadonlySet<string> = new Set([
  "peer_denied",
  "action_not_allowed",
  "action_unknown",
  "payload_invalid",
  "nonce_reused",
]);

export function isFinal({ code }: Refusal): boolean {
  return FINAL.has(code);
}
