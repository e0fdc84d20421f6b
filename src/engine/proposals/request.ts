/** The body of POST /proposals: {action, payload?, nonce?, reason?, client?} and nothing else. */

import { isReason } from "../../core/limits.ts";
import { type Asked, malformed, nameOf, nonceOf, type RequestText } from "../request.ts";

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
