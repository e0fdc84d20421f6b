/**
 * The current trust store, and the only way from a request's approval to a verified one. A reload
 * replaces the store: the reservation then checks approvals of the old one again.
 */

import type { ApprovalSubject, UnverifiedApproval } from "../approval/approval.ts";
import { type DecisionSubject, type Decline, verifyDecision } from "../approval/decision.ts";
import { mayApprove, type TrustedApprover, type TrustStore } from "../approval/trust.ts";
import {
  type Approval,
  type Signatures,
  verifyApproval,
  verifyReplay,
  verifySignatures,
} from "../approval/verify.ts";
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

  /**
   * Verifies what a proposal's approval says, which may lack signatures. Throws as `verify`, except
   * approval_signers_insufficient.
   */
  signatures(
    request: ParsedRequest,
    action: ApprovalSubject["needed"],
    handlerDigest: Digest,
    peer: Peer,
  ): Signatures {
    const subject = { ...subjectOf(request, action, handlerDigest, peer), isProposal: true };
    return verifySignatures(presented(request), subject, this.#store, this.clock.nowMs());
  }

  /** Throws a Refusal: decision_malformed, and approval_* codes in their order. */
  decline(value: unknown, subject: DecisionSubject): Decline {
    return verifyDecision(value, subject, this.#store, this.clock.nowMs());
  }

  /** Whether signatures by the key of that name can count now, for that action. */
  counts(keyid: string, action: string): boolean {
    const key = this.#store.keyAt(keyid, this.clock.nowMs());
    return key !== undefined && mayApprove(key.approver, action);
  }

  /** Whether the name of a key is known, and the key valid now. */
  knows(keyid: string): boolean {
    return this.#store.keyAt(keyid, this.clock.nowMs()) !== undefined;
  }

  /** Who may approve the action, with a key that is strong enough and counts until then. */
  approversOf(
    action: ApprovalSubject["needed"] & { readonly name: string },
    untilMs: number,
  ): readonly TrustedApprover[] {
    return this.#store.approversOf(action, this.clock.nowMs(), untilMs);
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
