/** The claim of a request: the execution's record, the body to seal, and the approval. */

import type { Peer } from "../core/types.ts";
import { uuidV7 } from "../core/uuid.ts";
import type { Approval } from "../approval/verify.ts";
import type { RegisteredAction } from "../executor/types.ts";
import type { Start } from "../ledger/proposals/types.ts";
import type { Reservation } from "../ledger/types.ts";
import { commitment } from "../log/receipt.ts";
import type { ParsedRequest } from "./request.ts";
import { retentionOf } from "./settlement.ts";
import type { EngineParts, RequestContext } from "./types.ts";

/** Where a request comes from, and under which id it runs. */
export interface Origin {
  readonly id: string;
  readonly peer: Peer;
  /** 32 bytes; the request's commitment is made with it. */
  readonly salt: Uint8Array;
  readonly traceparent: string | null;
  readonly receivedAtMs: number;
  /** Set for a proposal. */
  readonly proposedAtMs: number | null;
}

/** The origin of a request that runs as it comes. */
export function originOf({ peer, traceparent, receivedAtMs }: RequestContext): Origin {
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const id = uuidV7(receivedAtMs);
  return { id, peer, salt, traceparent, receivedAtMs, proposedAtMs: null };
}

export function reservationOf(
  request: ParsedRequest,
  registered: RegisteredAction,
  approval: Approval | null,
  origin: Origin,
  parts: EngineParts,
  start: Start | null = null,
): Reservation {
  const { id, peer, salt, traceparent, receivedAtMs, proposedAtMs } = origin;
  return {
    record: {
      id,
      action: request.action,
      nonce: request.nonce,
      mode: parts.ledger.mode,
      peer,
      approval: approval?.reference ?? null,
      handlerDigest: registered.digest,
      requestCommitment: commitment(salt, request.actionDigest),
      resultCommitment: null,
      code: null,
      traceId: traceparent?.split("-")[1] ?? null,
      proposedAtMs,
      receivedAtMs,
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
        : request.approval.canonical,
    },
    retention: retentionOf(request.action, parts.config),
    claim: approval,
    recheck: (nowMs) => approval === null ? undefined : parts.trust.recheck(approval, nowMs),
    start,
  };
}
