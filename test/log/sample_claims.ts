/** Claims in memory, as executions take them. */

import type { ApprovalFact, ApprovalName, Claimant, ClaimFacts } from "../../src/log/audit_claims.ts";

export class SampleClaims implements ClaimFacts {
  /** Nonce -> id of its execution. */
  readonly byNonce = new Map<string, string>();
  /** By iss and jti. */
  readonly known = new Map<string, ApprovalFact>();

  /** The first to name a nonce has it; approvals allow what was used of them. */
  static of(executions: Iterable<Claimant>): SampleClaims {
    const claims = new SampleClaims();
    for (const { id, nonce, approval } of executions) {
      if (!claims.byNonce.has(nonce)) claims.byNonce.set(nonce, id);
      if (approval === null) continue;
      const { usesTaken, firstExecution } = claims.approval(approval.iss, approval.jti) ?? { usesTaken: 0 };
      claims.set(approval.iss, approval.jti, {
        usesTaken: usesTaken + 1,
        usesAllowed: usesTaken + 1,
        firstExecution: firstExecution ?? id,
      });
    }
    return claims;
  }

  set(iss: string, jti: string, change: Partial<ApprovalFact>): void {
    const unseen = { usesTaken: 0, usesAllowed: 0, firstExecution: "", isRevoked: false };
    this.known.set(`${iss} ${jti}`, { ...unseen, ...this.approval(iss, jti), ...change });
  }

  /** In another order than that of the log. */
  *holders<Wanted extends { readonly nonce: string }>(
    wanted: readonly Wanted[],
  ): Generator<readonly [Wanted, string | undefined]> {
    for (const one of wanted.toReversed()) yield [one, this.byNonce.get(one.nonce)];
  }

  *approvals<Wanted extends ApprovalName>(
    wanted: readonly Wanted[],
  ): Generator<readonly [Wanted, ApprovalFact | undefined]> {
    for (const one of wanted) yield [one, this.approval(one.iss, one.jti)];
  }

  approval(iss: string, jti: string): ApprovalFact | undefined {
    return this.known.get(`${iss} ${jti}`);
  }

  nonceCount(): number {
    return this.byNonce.size;
  }

  approvalCount(): number {
    return this.known.size;
  }
}
