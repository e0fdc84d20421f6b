/**
 * Claims against executions, in both directions: what keeps anything from running twice is as the executions took it, and
 * no revocation of the log is missing. Each execution has its nonce and its use of an approval; nothing else has one.
 *
 * Invariant: executions are compared a window at a time, the one before while the next fills, and a problem is told when its whole
 * window was compared: so it is that of the first bad entry.
 *
 * Memory: two windows, and an entry for each approval that was used more than once, or revoked and never used.
 */

import { type AuditProblem, problem } from "./audit_report.ts";
import type { AdminReceipt, SettledExecution } from "./receipt.ts";

export type Claimant = Pick<SettledExecution, "id" | "nonce" | "approval">;

/** What the ledger has on an approval. */
export interface ApprovalFact {
  readonly usesTaken: number;
  readonly usesAllowed: number;
  /** Id of the execution that took the first use; of no meaning without one. */
  readonly firstExecution: string;
  readonly isRevoked: boolean;
}

export interface ApprovalName {
  readonly iss: string;
  readonly jti: string;
}

/**
 * Of the same moment as the executions. What is wanted comes back once each, in any order, looked up as it is asked for; with
 * undefined where there is no row that can be read.
 */
export interface ClaimFacts {
  /** The ids of the executions that the rows of these nonces name. */
  holders<Wanted extends { readonly nonce: string }>(
    wanted: readonly Wanted[],
  ): Iterable<readonly [Wanted, string | undefined]>;
  approvals<Wanted extends ApprovalName>(
    wanted: readonly Wanted[],
  ): Iterable<readonly [Wanted, ApprovalFact | undefined]>;
  /** How many rows there are, counted one by one. */
  nonceCount(): number;
  approvalCount(): number;
}

/** Executions in a window: enough that rows which are far apart are near each other for many of them. */
const WINDOW = 8192;

/** Rows that are looked up for each execution that comes, its own count in the window before: nonce and approval. */
const ROWS_EACH = 2;

interface Waiting extends Claimant {
  /** Of its receipt; null while it has none. */
  readonly index: number | null;
}

interface Use extends ApprovalName {
  readonly index: number | null;
  readonly id: string;
}

/** Uses of an approval whose executions were not seen yet. */
interface OpenGrant {
  left: number;
  /** Set until the execution that took the first use was seen. */
  first: string | null;
}

export class ClaimMatch {
  readonly #facts: ClaimFacts;
  readonly #window: number;
  #waiting: Waiting[] = [];
  /** The window before, a row at a time. */
  #comparison: Iterator<void> = [].values();
  /** The first that was found in it. */
  #wrong: AuditProblem | undefined;
  #executions = 0;
  /** Approvals whose one use was seen. */
  #used = 0;
  /** Those used more than once, by their names, which have no spaces. */
  readonly #grants = new Map<string, OpenGrant>();
  readonly #revokedUnused = new Set<string>();

  constructor(facts: ClaimFacts, window = WINDOW) {
    this.#facts = facts;
    this.#window = window;
  }

  /** Called once for each execution, in the order of the log. What is wrong is of one before it. */
  execution(index: number | null, { id, nonce, approval }: Claimant): AuditProblem | undefined {
    this.#waiting.push({ index, id, nonce, approval });
    for (let rows = 0; rows < ROWS_EACH; rows++) this.#comparison.next();
    return this.#waiting.length < this.#window ? undefined : this.#turn();
  }

  /** Compares all that wait. */
  compare(): AuditProblem | undefined {
    return this.#turn() ?? this.#turn();
  }

  /** `receipt` is of the act `revoke`. */
  revocation(index: number, { detail }: AdminReceipt): AuditProblem | undefined {
    const [iss, jti] = [detail?.["iss"], detail?.["jti"]];
    const wanted = typeof iss === "string" && typeof jti === "string" ? [{ iss, jti }] : [];
    for (const [name, known] of this.#facts.approvals(wanted)) {
      if (known?.isRevoked !== true) break;
      if (known.usesTaken === 0) this.#revokedUnused.add(textOf(name));
      return undefined;
    }
    return problem("revocation_missing", index, "the ledger does not have it that this approval was revoked");
  }

  /** Once every execution and revocation was seen and none waits: whether anything else has a claim. */
  left(): AuditProblem | undefined {
    for (const [name, { left, first }] of this.#grants) {
      if (left > 0) return approvalProblem(`${left} uses of ${name} have no execution`);
      if (first !== null) return approvalProblem(`the first use of ${name} has another execution`);
    }
    const nonces = this.#facts.nonceCount();
    if (nonces !== this.#executions) {
      return problem("nonce_mismatch", null, `${nonces} nonces are taken, by ${this.#executions} executions`);
    }
    const approvals = this.#facts.approvalCount();
    const explained = this.#used + this.#grants.size + this.#revokedUnused.size;
    return approvals === explained
      ? undefined
      : approvalProblem(`${approvals} are known, and ${explained} were used or revoked`);
  }

  /** Ends the comparison of the window before; that of the one that waits begins. */
  #turn(): AuditProblem | undefined {
    while (this.#comparison.next().done !== true);
    const executions = this.#waiting;
    this.#waiting = [];
    this.#executions += executions.length;
    this.#comparison = this.#compare(executions);
    return this.#wrong;
  }

  *#compare(executions: readonly Waiting[]): Generator<void> {
    for (const [{ index, id }, holder] of this.#facts.holders(executions)) {
      if (holder !== id) {
        const detail = `the nonce of execution ${id} is not recorded as taken by it`;
        this.#note(problem("nonce_mismatch", index, detail));
      }
      yield;
    }
    for (const [use, known] of this.#facts.approvals(executions.flatMap(usesOf))) {
      const wrong = this.#use(use, known);
      if (wrong !== undefined) {
        this.#note(problem("approval_mismatch", use.index, `the approval of execution ${use.id} ${wrong}`));
      }
      yield;
    }
  }

  #note(found: AuditProblem): void {
    const isFirst = (found.index ?? Infinity) < (this.#wrong?.index ?? Infinity);
    if (this.#wrong === undefined || isFirst) this.#wrong = found;
  }

  /** What is wrong with it. */
  #use(use: Use, known: ApprovalFact | undefined): string | undefined {
    if (known === undefined) return "is not recorded";
    const { usesTaken, usesAllowed, firstExecution } = known;
    if (usesTaken > usesAllowed) return `was used ${usesTaken} times, and may be ${usesAllowed} times`;
    if (usesTaken === 1) {
      this.#used++;
      return firstExecution === use.id ? undefined : "is recorded as used by another, once";
    }
    const name = textOf(use);
    const grant = this.#grants.get(name) ?? { left: usesTaken, first: firstExecution };
    this.#grants.set(name, grant);
    if (grant.first === use.id) grant.first = null;
    return --grant.left < 0 ? "is recorded with fewer uses" : undefined;
  }
}

function usesOf({ index, id, approval }: Waiting): readonly Use[] {
  return approval === null ? [] : [{ index, id, iss: approval.iss, jti: approval.jti }];
}

function textOf({ iss, jti }: ApprovalName): string {
  return `${iss} ${jti}`;
}

function approvalProblem(detail: string): AuditProblem {
  return problem("approval_mismatch", null, `of approvals, ${detail}`);
}
