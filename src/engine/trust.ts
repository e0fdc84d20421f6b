/**
 * The current trust store, and the only way from a request's approval to a verified one. A reload
 * replaces the store: the reservation then checks approvals of the old one again.
 */

import type { ApprovalSubject, UnverifiedApproval } from "../approval/approval.ts";
import type { TrustStore } from "../approval/trust.ts";
import { type Approval, verifyApproval, verifyReplay } from "../approval/verify.ts";
import type { Clock } from "../core/clock.ts";
import { Refusal } from "../core/errors.ts";
import type { ApprovalReference, Digest, Peer } from "../core/types.ts";
import type { ExecutionRecord } from "../ledger/types.ts";
import type { ParsedRequest } from "./request.ts";

export class TrustGate {
  #store: TrustStore;

  constructor(store: TrustStore, private readonly clock: Clock) {
    this.#store = store;
  }

  /** The tenant that every approval must carry; with null, none may carry one. */
  get tenant(): string | null {
    return this.#store.tenant;
  }

  /** Whether artifacts of OpenExec 0.1.10 are accepted. */
  get takesClawshield(): boolean {
    return this.#store.clawshield !== null;
  }

  replace(store: TrustStore): void {
    this.#store = store;
  }

  /** Throws a Refusal: approval_missing, then the approval_* codes in their order. */
  verify(
    request: ParsedRequest,
    action: ApprovalSubject["needed"],
    handlerDigest: Digest,
    peer: Peer,
  ): Approval {
    const subject = subjectOf(request, action, handlerDigest, peer);
    return verifyApproval(presented(request), subject, this.#store, this.clock.nowMs());
  }

  /** Leaves time aside, and lets `handler_digest` pin the handler that ran. Throws as `verify`. */
  verifyReplay(
    request: ParsedRequest,
    action: ApprovalSubject["needed"],
    known: ExecutionRecord,
    peer: Peer,
  ): ApprovalReference {
    const subject = subjectOf(request, action, known.handlerDigest, peer);
    return verifyReplay(presented(request), subject, this.#store, known.reservedAtMs);
  }

  /** Checks expiry and trust once more, inside the reservation. Throws as `verify`. */
  recheck(approval: Approval, nowMs: number): void {
    approval.recheck(nowMs, this.#store);
  }
}

function presented(request: ParsedRequest): UnverifiedApproval {
  if (request.approval === null) throw new Refusal("approval_missing");
  return request.approval;
}

function subjectOf(
  request: ParsedRequest,
  action: ApprovalSubject["needed"],
  handlerDigest: Digest,
  peer: Peer,
): ApprovalSubject {
  return {
    action: request.action,
    actionDigest: request.actionDigest,
    legacyActionHash: request.legacyActionHash,
    nonce: request.nonce,
    peer,
    handlerDigest,
    needed: action,
  };
}
