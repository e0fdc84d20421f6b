/**
 * Claims against executions, in both directions: what keeps anything from running twice is as the executions took it, and
 * no revocation of the log is missing. Each execution has its nonce and its use of an approval; nothing else has one.
 *
 * Memory: an entry for each approval that was used more than once, or revoked and never used.
 */

import { type AuditProblem, problem } from "./report.ts";
import type { AdminReceipt, SettledExecution } from "../log/receipt.ts";

export type Claimant = Pick<SettledExecution, "id" | "nonce" | "approval">;

/** What the ledger has on an approval. */
export interface ApprovalFact {
  readonly usesTaken: number;
  readonly usesAllowed: number;
  /** Id of the execution that took the first use; of no meaning without one. */
  readonly firstExecution: string;
  readonly isRevoked: boolean;
}

/** What the ledger has on the nonce and the approval of an execution; a row that cannot be read is none. */
export interface ClaimFact<Execution extends Claimant> {
  readonly execution: Execution;
  /** Id of the execution that the row of the nonce names. */
  readonly nonceHolder: string | undefined;
  readonly approval: ApprovalFact | undefined;
}

/** Of the same moment as the executions. */
export interface ClaimFacts {
  /** In the same order. Many together, because to go to such rows and back one by one takes twice as long. */
  of<Execution extends Claimant>(executions: readonly Execution[]): readonly ClaimFact<Execution>[];
  approval(iss: string, jti: string): ApprovalFact | undefined;
  /** How many rows there are, counted one by one. */
  nonces(): number;
  approvals(): number;
}

/** Executions that are looked up together: less work than whoever verifies signatures meanwhile has waiting. */
const TOGETHER = 1024;

interface Waiting extends Claimant {
  /** Of its receipt; null while it has none. */
  readonly index: number | null;
}

/** Uses of an approval whose executions were not seen yet. */
interface OpenGrant {
  left: number;
  /** Set until the execution that took the first use was seen. */
  first: string | null;
}

export class ClaimMatch {
  readonly #facts: ClaimFacts;
  #waiting: Waiting[] = [];
  #executions = 0;
  /** Approvals whose one use was seen. */
  #used = 0;
  /** Those used more than once, by their names, which have no spaces. */
  readonly #grants = new Map<string, OpenGrant>();
  readonly #revokedUnused = new Set<string>();

  constructor(facts: ClaimFacts) {
    this.#facts = facts;
  }

  /** Called once for each execution, in the order of the log. What is wrong may be of one before it. */
  execution(index: number | null, { id, nonce, approval }: Claimant): AuditProblem | undefined {
    this.#waiting.push({ index, id, nonce, approval });
    return this.#waiting.length < TOGETHER ? undefined : this.compare();
  }

  /** What is wrong with the first of those that wait. */
  compare(): AuditProblem | undefined {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#executions += waiting.length;
    for (const claim of this.#facts.of(waiting)) {
      const wrong = this.#check(claim);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  /** `receipt` is of the act `revoke`. */
  revocation(index: number, { detail }: AdminReceipt): AuditProblem | undefined {
    const [iss, jti] = [detail?.["iss"], detail?.["jti"]];
    const known = typeof iss === "string" && typeof jti === "string"
      ? this.#facts.approval(iss, jti)
      : undefined;
    if (known?.isRevoked !== true) {
      return problem(
        "revocation_missing",
        index,
        "the ledger does not have it that this approval was revoked",
      );
    }
    if (known.usesTaken === 0) this.#revokedUnused.add(`${iss} ${jti}`);
    return undefined;
  }

  /** Once every execution and revocation was seen and none waits: whether anything else has a claim. */
  left(): AuditProblem | undefined {
    for (const [name, { left, first }] of this.#grants) {
      if (left > 0) return approvalProblem(`${left} uses of ${name} have no execution`);
      if (first !== null) return approvalProblem(`the first use of ${name} has another execution`);
    }
    const nonces = this.#facts.nonces();
    if (nonces !== this.#executions) {
      return problem(
        "nonce_mismatch",
        null,
        `${nonces} nonces are taken, by ${this.#executions} executions`,
      );
    }
    const approvals = this.#facts.approvals();
    const explained = this.#used + this.#grants.size + this.#revokedUnused.size;
    return approvals === explained
      ? undefined
      : approvalProblem(`${approvals} are known, and ${explained} were used or revoked`);
  }

  #check({ execution, nonceHolder, approval }: ClaimFact<Waiting>): AuditProblem | undefined {
    const { index, id } = execution;
    if (nonceHolder !== id) {
      return problem(
        "nonce_mismatch",
        index,
        `the nonce of execution ${id} is not recorded as taken by it`,
      );
    }
    if (execution.approval === null) return undefined;
    const wrong = this.#use(id, `${execution.approval.iss} ${execution.approval.jti}`, approval);
    return wrong === undefined
      ? undefined
      : problem("approval_mismatch", index, `the approval of execution ${id} ${wrong}`);
  }

  /** What is wrong with this use. */
  #use(id: string, name: string, known: ApprovalFact | undefined): string | undefined {
    if (known === undefined) return "is not recorded";
    const { usesTaken, usesAllowed, firstExecution } = known;
    if (usesTaken > usesAllowed) {
      return `was used ${usesTaken} times, and may be ${usesAllowed} times`;
    }
    if (usesTaken === 1) {
      this.#used++;
      return firstExecution === id ? undefined : "is recorded as used by another, once";
    }
    const grant = this.#grants.get(name) ?? { left: usesTaken, first: firstExecution };
    this.#grants.set(name, grant);
    if (grant.first === id) grant.first = null;
    return --grant.left < 0 ? "is recorded with fewer uses" : undefined;
  }
}

function approvalProblem(detail: string): AuditProblem {
  return problem("approval_mismatch", null, `of approvals, ${detail}`);
}
