/** The body of POST /proposals: {action, payload?, nonce?, reason?, client?} and nothing else. */

import type { JsonNode } from "../../core/json.ts";
import { isReason } from "../../core/limits.ts";
import {
  type Asked,
  askedBy,
  isAbsent,
  malformed,
  membersOf,
  nameOf,
  nonceOf,
} from "../request.ts";

export interface ParsedProposal extends Asked {
  /** null: the proposal's id stands for it. */
  readonly nonce: string | null;
  /** The agent's own words; null for none. */
  readonly reason: string | null;
  readonly client: string | null;
}

const MEMBERS: ReadonlySet<string> = new Set(["action", "payload", "nonce", "reason", "client"]);

/** Throws a Refusal: request_malformed, payload_not_i_json. */
export function parseProposal(body: Uint8Array, idempotencyKey: string | null): ParsedProposal {
  const members = membersOf(body, MEMBERS);
  const client = members.get("client");
  return {
    ...askedBy(members),
    nonce: nonceOf(members.get("nonce"), idempotencyKey),
    reason: reasonOf(members.get("reason")),
    client: isAbsent(client) ? null : nameOf(client, "client"),
  };
}

function reasonOf(node: JsonNode | undefined): string | null {
  if (isAbsent(node)) return null;
  if (node.kind === "string" && isReason(node.value)) return node.value;
  throw malformed("reason must be a string of at most 500 characters.");
}
