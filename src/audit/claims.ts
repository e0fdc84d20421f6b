/**
 * Compares claims with executions, in both directions. Each execution holds its nonce and its use
 * of an approval, nothing else holds one, and every revocation of the log is in the ledger.
 *
 * Claims keep anything from running twice, so one that was quietly undone has to show here.
 * Their keys are hashes, which lie at random places: so many are looked up at a time, in the order
 * of their keys, and judged in the order of their executions.
 * Memory: that many, and an entry for each approval that was used more than once, or revoked and
 * never used.
 */

import type { AdminReceipt, SettledExecution } from "../log/receipt.ts";
import { type AuditProblem, problem } from "./report.ts";

/** An execution, and the approval that it has used. */
export interface Claimant extends Pick<SettledExecution, "id" | "nonce"> {
  readonly approval: { readonly iss: string; readonly jti: string } | null;
}

/** An approval, as the ledger holds it. */
export interface ApprovalFact {
  readonly usesTaken: number;
  readonly usesAllowed: number;
  /** Id of the execution that took the first use; without meaning where none was taken. */
  readonly firstExecution: string;
  readonly isRevoked: boolean;
}

/** The claims that one execution should hold; undefined also where a row cannot be read. */
export interface Held {
  /** Id of the execution that the nonce names. */
  readonly nonceHolder: string | undefined;
  readonly approval: ApprovalFact | undefined;
}

/** The claims in a ledger, at the same moment as its executions. */
export interface ClaimFacts {
  /** Returns what is held of each, in their order. */
  held(claimants: readonly Claimant[]): readonly Held[];
  /** undefined also where its row cannot be read. */
  approval(iss: string, jti: string): ApprovalFact | undefined;
  /** Numbers of rows, counted one by one. */
  nonces(): number;
  approvals(): number;
}

/** An approval of several uses, some of whose executions have not been seen yet. */
interface OpenApproval {
  usesLeft: number;
  /** Null once the execution that took the first use was seen. */
  firstExecution: string | null;
}

/** Executions whose claims are looked up at a time, in some five megabytes. */
export const CLAIMANTS_MAX = 8_192;

export class ClaimAudit {
  readonly #facts: ClaimFacts;
  #waiting: (Claimant & { readonly index: number | null })[] = [];
  #executions = 0;
  /** Number of approvals whose only use was seen. */
  #usedOnce = 0;
  /** By iss and jti, neither of which holds a space. */
  readonly #usedMore = new Map<string, OpenApproval>();
  readonly #revokedUnused = new Set<string>();

  constructor(facts: ClaimFacts) {
    this.#facts = facts;
  }

  /**
   * Called once for each execution. `index` is that of its receipt; null while it has none. Returns
   * the first problem of those that waited, now and then.
   */
  execution(index: number | null, { id, nonce, approval }: Claimant): AuditProblem | undefined {
    this.#executions++;
    const claimed = approval === null ? null : { iss: approval.iss, jti: approval.jti };
    this.#waiting.push({ index, id, nonce, approval: claimed });
    return this.#waiting.length < CLAIMANTS_MAX ? undefined : this.overdue();
  }

  /** Looks up what waits; returns its first problem. */
  overdue(): AuditProblem | undefined {
    const waiting = this.#waiting;
    this.#waiting = [];
    const held = this.#facts.held(waiting);
    for (const [i, claimant] of waiting.entries()) {
      const found = this.#compare(claimant.index, claimant, held[i]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #compare(
    index: number | null,
    { id, approval }: Claimant,
    held: Held | undefined,
  ): AuditProblem | undefined {
    if (held?.nonceHolder !== id) {
      const detail = `the nonce of execution ${id} is not recorded as taken by it`;
      return problem("nonce_mismatch", index, detail);
    }
    const wrong = approval === null ? undefined : this.#use(id, approval, held.approval);
    return wrong === undefined
      ? undefined
      : problem("approval_mismatch", index, `the approval of execution ${id} ${wrong}`);
  }

  /** Called for each receipt of the act `revoke`. */
  revocation(index: number, { detail }: AdminReceipt): AuditProblem | undefined {
    const [iss, jti] = [detail?.["iss"], detail?.["jti"]];
    const known = typeof iss === "string" && typeof jti === "string"
      ? this.#facts.approval(iss, jti)
      : undefined;
    if (known?.isRevoked !== true) {
      const missing = "the ledger does not have it that this approval was revoked";
      return problem("revocation_missing", index, missing);
    }
    if (known.usesTaken === 0) this.#revokedUnused.add(`${iss} ${jti}`);
    return undefined;
  }

  /** Called for all that was signed for a proposal that waits no more: none of it may be usable. */
  collected(
    id: string,
    approvals: readonly { readonly iss: string; readonly jti: string }[],
  ): AuditProblem | undefined {
    for (const { iss, jti } of approvals) {
      const known = this.#facts.approval(iss, jti);
      if (known === undefined || known.usesTaken === 0 && !known.isRevoked) {
        const detail = `an approval of proposal ${id}, which is over, could still be used`;
        return problem("approval_mismatch", null, detail);
      }
      if (known.usesTaken === 0) this.#revokedUnused.add(`${iss} ${jti}`);
    }
    return undefined;
  }

  /** Returns what else holds a claim, once every execution and revocation was judged. */
  unexplained(): AuditProblem | undefined {
    for (const [name, { usesLeft, firstExecution }] of this.#usedMore) {
      if (usesLeft > 0) return approvalProblem(`${usesLeft} uses of ${name} have no execution`);
      if (firstExecution !== null) {
        return approvalProblem(`the first use of ${name} has another execution`);
      }
    }
    const nonces = this.#facts.nonces();
    if (nonces !== this.#executions) {
      const detail = `${nonces} nonces are taken, by ${this.#executions} executions`;
      return problem("nonce_mismatch", null, detail);
    }
    const approvals = this.#facts.approvals();
    const explained = this.#usedOnce + this.#usedMore.size + this.#revokedUnused.size;
    return approvals === explained
      ? undefined
      : approvalProblem(`${approvals} are known, and ${explained} were used or revoked`);
  }

  /** Counts a use by execution `id`; returns what is wrong with it. */
  #use(
    id: string,
    { iss, jti }: { readonly iss: string; readonly jti: string },
    known: ApprovalFact | undefined,
  ): string | undefined {
    if (known === undefined) return "is not recorded";
    const { usesTaken, usesAllowed, firstExecution } = known;
    if (usesTaken > usesAllowed) {
      return `was used ${usesTaken} times, and may be ${usesAllowed} times`;
    }
    if (usesTaken === 1) {
      this.#usedOnce++;
      return firstExecution === id ? undefined : "is recorded as used by another, once";
    }
    const name = `${iss} ${jti}`;
    const open = this.#usedMore.get(name) ?? { usesLeft: usesTaken, firstExecution };
    this.#usedMore.set(name, open);
    if (open.firstExecution === id) open.firstExecution = null;
    return --open.usesLeft < 0 ? "is recorded with fewer uses" : undefined;
  }
}

function approvalProblem(detail: string): AuditProblem {
  return problem("approval_mismatch", null, `of approvals, ${detail}`);
}
