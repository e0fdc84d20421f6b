/**
 * Compares proposals with receipts and executions, in both directions. Each ended proposal has
 * exactly one receipt under its id, of a decision or of the execution that it became; each receipt
 * of a decision has its row, as long as that is kept; and no approval that was collected for an
 * ended one can start anything.
 */

import type { UnstartedEnd } from "../core/proposal.ts";
import type { Peer, Signer } from "../core/types.ts";
import type { ProposalRecord } from "../ledger/proposals/types.ts";
import { type DecisionReceipt, type ExecutionReceipt, peerOf, signerOf } from "../log/receipt.ts";
import { parseTime } from "../log/time.ts";
import type { ClaimAudit } from "./claims.ts";
import { type AuditProblem, problem } from "./report.ts";

export type ProposalFact = ProposalRecord;

/** The proposals of a ledger, at the same moment as its executions. */
export interface ProposalFacts {
  /** undefined also where its row cannot be read. */
  proposal(id: string): ProposalFact | undefined;
  /** Every proposal once. */
  proposals(): Iterable<ProposalFact>;
  /** Ids that are listed as waiting. */
  waiting(): Iterable<string>;
  /** Ids of ends that a restore left without a receipt. */
  owed(): Iterable<string>;
}

/** Whether an execution of that id exists, and what of its proposal it says. */
type FindExecution = (id: string) => { readonly proposedAtMs: number | null } | undefined;

export class ProposalAudit {
  /** Decisions whose rows were found: each names one index, so each is another one. */
  #matched = 0;

  constructor(
    private readonly facts: ProposalFacts,
    private readonly claims: Pick<ClaimAudit, "collected">,
    private readonly execution: FindExecution,
  ) {}

  /** Compares the receipt of an end without a run. */
  decision(index: number, receipt: DecisionReceipt): AuditProblem | undefined {
    const { proposal: id } = receipt;
    if (this.execution(id) !== undefined) {
      return problem("proposal_mismatch", index, `proposal ${id} was ${receipt.decision}, and ran`);
    }
    const fact = this.facts.proposal(id);
    if (fact === undefined) return undefined; // it was pruned
    const difference = fact.logIndex === index ? differenceOf(receipt, fact) : "log_index";
    if (difference !== undefined) {
      const detail = `ledger and receipt of proposal ${id} differ in ${difference}`;
      return problem("proposal_mismatch", index, detail);
    }
    this.#matched++;
    return undefined;
  }

  /**
   * Compares the receipt of an execution that a proposal became. Where it says that there was none,
   * conclude() finds the proposal that there was.
   */
  ran(index: number, { execution_id: id, proposed_at: at }: ExecutionReceipt) {
    if (at === undefined) return undefined;
    const fact = this.facts.proposal(id);
    const isAgreed = fact?.status === "started" && fact.proposedAtMs === parseTime(at);
    return isAgreed
      ? undefined
      : problem("proposal_mismatch", index, `execution ${id} is not that of its proposal`);
  }

  /** Compares the ledger with the log, once every entry was seen. */
  conclude(): AuditProblem | undefined {
    const waiting = new Set(this.facts.waiting());
    const owed = new Set(this.facts.owed());
    let logged = 0;
    for (const fact of this.facts.proposals()) {
      const wrong = this.#wrongWith(fact, waiting.delete(fact.id), owed.has(fact.id));
      if (wrong !== undefined) return wrong;
      if (fact.logIndex !== null) logged++;
    }
    for (const id of waiting) {
      return problem("proposal_mismatch", null, `proposal ${id} is listed as waiting, and is not`);
    }
    return logged === this.#matched ? undefined : problem(
      "proposal_without_receipt",
      null,
      `${logged} proposals name a receipt, and the log has ${this.#matched} of them`,
    );
  }

  #wrongWith(fact: ProposalFact, isListed: boolean, isOwed: boolean): AuditProblem | undefined {
    const { id, status, code, logIndex, collected } = fact;
    const isWaiting = status === "pending" || status === "approved";
    if (isListed !== isWaiting) {
      const detail = `proposal ${id}, ${status}, is ${isListed ? "" : "not "}listed as waiting`;
      return problem("proposal_mismatch", null, detail);
    }
    const ran = this.execution(id);
    if ((status === "started") !== (ran !== undefined) || ran?.proposedAtMs === null) {
      const detail = `proposal ${id}, ${status}, has ${ran === undefined ? "no" : "an"} execution`;
      return problem("proposal_mismatch", null, detail);
    }
    if (isWaiting || status === "started") {
      return status === "started" ? this.claims.collected(id, collected) : undefined;
    }
    const isFenced = isOwed && status === "refused" && code === "approval_fenced";
    if (logIndex === null && !CAPPED.has(status) && !isFenced) {
      const detail = `proposal ${id}, ${status}, has no receipt`;
      return problem("proposal_without_receipt", null, detail);
    }
    return this.claims.collected(id, collected);
  }
}

/** Ends whose receipts the cap on refusals may have left out: a summary counts them. */
const CAPPED: ReadonlySet<UnstartedEnd> = new Set(["withdrawn", "expired"]);

/** Returns the first member in which they differ. */
function differenceOf(receipt: DecisionReceipt, fact: ProposalFact): string | undefined {
  const agreements: readonly (readonly [string, boolean])[] = [
    ["decision", receipt.decision === fact.status],
    ["code", receipt.code === fact.code],
    ["action", receipt.action === fact.action],
    ["nonce", receipt.nonce === fact.nonce],
    ["request_commitment", receipt.request_commitment === fact.requestCommitment],
    ["proposed_at", parseTime(receipt.proposed_at) === fact.proposedAtMs],
    ["at", parseTime(receipt.at) === fact.endedAtMs],
    ["peer", isSame(receipt.peer, peerOf(fact.peer))],
    ["by", isSame(receipt.by, byOf(fact.endedBy))],
  ];
  return agreements.find(([, agree]) => !agree)?.[0];
}

function byOf(by: Signer | Peer | null) {
  if (by === null) return undefined;
  return "keyid" in by ? signerOf(by) : peerOf(by);
}

/** Both are flat, and made with their members in order. */
function isSame(said: object | undefined, kept: object | undefined): boolean {
  return JSON.stringify(said) === JSON.stringify(kept);
}
