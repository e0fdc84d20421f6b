/**
 * Whether a request under a known nonce is the one that was executed, so that its stored outcome may be answered.
 *
 * Invariant: knowing a nonce shows nothing: the approval must verify again, as far as time plays no part, and must be
 * the one the execution consumed. The handler that a `handler_digest` pins is then the one that ran, not today's.
 */

import { equalBytes, utf8Encode } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Peer } from "../core/types.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import type { EngineParts } from "./parts.ts";
import type { ParsedRequest } from "./request.ts";

export function isReplay(
  known: ExecutionRecord,
  request: ParsedRequest,
  peer: Peer,
  parts: Pick<EngineParts, "ledger" | "trust" | "config">,
): boolean {
  if (known.action !== request.action) return false;
  if (known.mode === "demo") return isSameRequest(known, request, parts);
  const action = parts.config.actions.get(request.action);
  if (action === undefined || known.approval === null) return false;
  try {
    const approval = parts.trust.verifyReplay(request, action, known, peer);
    const { scheme, iss, jti } = known.approval;
    return approval.scheme === scheme && approval.iss === iss && approval.jti === jti;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Without approvals only the payload can tell, for as long as it is kept; both texts are compared under one length. */
function isSameRequest(
  known: ExecutionRecord,
  request: ParsedRequest,
  parts: Pick<EngineParts, "ledger">,
): boolean {
  const kept = parts.ledger.openRequest(known.id);
  return kept !== undefined &&
    equalBytes(utf8Encode(kept.canonical), utf8Encode(request.canonical));
}
