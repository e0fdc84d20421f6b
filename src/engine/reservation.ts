/** The claim of a request: the execution's record, the body to seal, and the approval. */

import { canonicalNode } from "../core/canonical_json.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { Approval } from "../approval/verify.ts";
import type { RegisteredAction } from "../executor/types.ts";
import type { Reservation } from "../ledger/types.ts";
import { commitment } from "../log/receipt.ts";
import type { ParsedRequest } from "./request.ts";
import { retentionOf } from "./settlement.ts";
import type { EngineParts, RequestContext } from "./types.ts";

export function reservationOf(
  request: ParsedRequest,
  registered: RegisteredAction,
  approval: Approval | null,
  context: RequestContext,
  parts: EngineParts,
): Reservation {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  return {
    record: {
      id: uuidV7(context.receivedAtMs),
      action: request.action,
      nonce: request.nonce,
      mode: parts.ledger.mode,
      peer: context.peer,
      approval: approval?.reference ?? null,
      handlerDigest: registered.digest,
      requestCommitment: commitment(salt, request.actionDigest),
      resultCommitment: null,
      code: null,
      traceId: context.traceparent?.split("-")[1] ?? null,
      proposedAtMs: null,
      receivedAtMs: context.receivedAtMs,
      startedAtMs: null,
      settledAtMs: null,
      logIndex: null,
      resolution: null,
    },
    body: {
      canonical: request.canonical,
      salt,
      approvalText: request.approval === null || approval === null
        ? null
        : canonicalNode(request.approval.node),
    },
    retention: retentionOf(request.action, parts.config),
    claim: approval,
    recheck: (nowMs) => approval === null ? undefined : parts.trust.recheck(approval, nowMs),
  };
}
