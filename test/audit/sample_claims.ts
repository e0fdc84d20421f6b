/** Claims in memory, as executions take them. */

import type { ApprovalFact, Claimant, ClaimFacts, Held } from "../../src/audit/claims.ts";

export class SampleClaims implements ClaimFacts {
  /** Nonce -> id of its execution. */
  readonly holders = new Map<string, string>();
  /** By iss and jti. */
  readonly known = new Map<string, ApprovalFact>();

  /** The first to name a nonce has it; approvals allow what was used of them. */
  static of(executions: Iterable<Claimant>): SampleClaims {
    const claims = new SampleClaims();
    for (const { id, nonce, approval } of executions) {
      if (!claims.holders.has(nonce)) claims.holders.set(nonce, id);
      if (approval === null) continue;
      const { usesTaken, firstExecution } = claims.approval(approval.iss, approval.jti) ??
        { usesTaken: 0 };
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

  held(claimants: readonly Claimant[]): readonly Held[] {
    return claimants.map(({ nonce, approval }) => ({
      nonceHolder: this.holders.get(nonce),
      approval: approval === null ? undefined : this.approval(approval.iss, approval.jti),
    }));
  }

  approval(iss: string, jti: string): ApprovalFact | undefined {
    return this.known.get(`${iss} ${jti}`);
  }

  nonces(): number {
    return this.holders.size;
  }

  approvals(): number {
    return this.known.size;
  }
}
