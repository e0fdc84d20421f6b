/**
 * Compares executions with their receipts, in both directions. Every receipt of an execution
 * belongs to the execution that names its index, and both say the same; every settled execution
 * has its receipt; every other one is listed as unsettled. claims.ts compares what they claimed.
 */

import type { ExecutionStatus, Signer } from "../core/types.ts";
import {
  decodeReceipt,
  type ExecutionReceipt,
  type Receipt,
  type ResolutionReceipt,
  type SettledExecution,
} from "../log/receipt.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { parseTime } from "../log/time.ts";
import { ClaimAudit, type ClaimFacts } from "./claims.ts";
import { ProposalAudit, type ProposalFacts } from "./proposals.ts";
import { type AuditProblem, problem } from "./report.ts";

/** An execution, as the ledger holds it. A record of the ledger has this shape. */
export interface ExecutionFact extends Omit<SettledExecution, "status" | "settledAtMs"> {
  readonly status: ExecutionStatus;
  readonly settledAtMs: number | null;
  readonly logIndex: number | null;
  readonly resolution: { readonly from: ExecutionStatus; readonly logIndex: number } | null;
}

/** A ledger at one moment. */
export interface LedgerFacts extends ProposalFacts {
  readonly executorId: string;
  readonly claims: ClaimFacts;
  /** The log that is audited. */
  readonly log: { leaf(index: number): Pick<SignedReceipt, "body"> | undefined };
  /** undefined also where its row cannot be read. */
  find(id: string): ExecutionFact | undefined;
  /** Number of executions that `all` has, counted one by one. */
  count(): number;
  /** Every execution once, in any order. */
  all(): Iterable<ExecutionFact>;
  /** Ids that are listed as unsettled. */
  unsettled(): Iterable<string>;
  /** Whether the list of its peer leads to an execution that has settled. */
  isListed(fact: ExecutionFact): boolean;
}

export class ExecutionAudit {
  readonly #facts: LedgerFacts;
  readonly #claims: ClaimAudit;
  readonly #proposals: ProposalAudit;
  /** Executions whose receipt was seen. Each is another one, for an execution names one index. */
  #matched = 0;
  /** Those of them that the list of their peer lacks. */
  #unlisted = 0;
  /** Resolutions that these name, less the receipts of resolutions that were seen. */
  #unresolved = 0;

  constructor(facts: LedgerFacts) {
    this.#facts = facts;
    this.#claims = new ClaimAudit(facts.claims);
    this.#proposals = new ProposalAudit(facts, this.#claims, (id) => facts.find(id));
  }

  /**
   * Compares an entry of the log with the ledger. The problem that it returns may be one of an
   * earlier entry.
   */
  entry(index: number, receipt: Receipt): AuditProblem | undefined {
    if (receipt.kind === "admin" && receipt.act === "revoke") {
      return this.#claims.revocation(index, receipt);
    }
    if (receipt.kind === "decision") return this.#proposals.decision(index, receipt);
    if (receipt.kind !== "execution" && receipt.kind !== "resolution") return undefined;
    const id = receipt.execution_id;
    const fact = this.#facts.find(id);
    if (fact === undefined) {
      const detail = `the ledger has no execution ${id} that can be read`;
      return problem("receipt_without_execution", index, detail);
    }
    const difference = receipt.kind === "execution"
      ? executionDifference(index, receipt, fact)
      : resolutionDifference(index, receipt, fact);
    if (difference !== undefined) {
      const detail = `ledger and receipt of execution ${id} differ in ${difference}`;
      return problem("execution_mismatch", index, detail);
    }
    if (receipt.kind === "resolution") {
      this.#unresolved--;
      return undefined;
    }
    this.#matched++;
    if (!this.#facts.isListed(fact)) this.#unlisted++;
    if (fact.resolution !== null) this.#unresolved++;
    return this.#claims.execution(index, fact) ?? this.#proposals.ran(index, receipt);
  }

  /** Returns the first problem of entries that were seen, and not compared in all respects yet. */
  overdue(): AuditProblem | undefined {
    return this.#claims.overdue();
  }

  /** Compares the ledger with the log, once every entry was seen and none is overdue. */
  conclude(): AuditProblem | undefined {
    const unsettled = new Set<string>();
    const found = this.#unsettledProblem(unsettled);
    return this.overdue() ?? found ?? this.#unmatched(unsettled) ?? this.#unlistedProblem() ??
      this.#proposals.conclude() ?? this.#claims.unexplained();
  }

  /** Collects into `unsettled` the ids of executions under way. */
  #unsettledProblem(unsettled: Set<string>): AuditProblem | undefined {
    for (const id of this.#facts.unsettled()) {
      const fact = this.#facts.find(id);
      if (fact?.status !== "reserved" || unsettled.has(id)) {
        const detail = `execution ${id} is listed as unsettled, and is not`;
        return problem("unsettled_mismatch", null, detail);
      }
      if (!isOpen(fact)) return withoutReceipt(fact);
      unsettled.add(id);
      const claim = this.#claims.execution(null, fact);
      if (claim !== undefined) return claim;
    }
    return undefined;
  }

  /** Looks for an execution that is neither logged nor unsettled, where the numbers say so. */
  #unmatched(unsettled: ReadonlySet<string>): AuditProblem | undefined {
    if (this.#unresolved === 0 && this.#matched + unsettled.size === this.#facts.count()) {
      return undefined;
    }
    for (const fact of this.#facts.all()) {
      if (unsettled.has(fact.id)) continue;
      if (isOpen(fact)) {
        const detail = `execution ${fact.id}, reserved, is not listed as unsettled`;
        return problem("unsettled_mismatch", null, detail);
      }
      if (!this.#isLogged(fact)) return withoutReceipt(fact);
    }
    return undefined;
  }

  #unlistedProblem(): AuditProblem | undefined {
    if (this.#unlisted === 0) return undefined;
    const detail = `${this.#unlisted} executions are not listed under their peers`;
    return problem("peer_mismatch", null, detail);
  }

  /** Whether the entries that an execution names are receipts of it, and of no other. */
  #isLogged({ id, logIndex, resolution }: ExecutionFact): boolean {
    return this.#isReceiptOf(id, "execution", logIndex) &&
      (resolution === null || this.#isReceiptOf(id, "resolution", resolution.logIndex));
  }

  #isReceiptOf(id: string, kind: "execution" | "resolution", index: number | null): boolean {
    const entry = index === null ? undefined : this.#facts.log.leaf(index);
    const receipt = entry === undefined ? undefined : decodeReceipt(entry.body);
    return receipt?.kind === kind && receipt.execution_id === id;
  }
}

/** Reserved, and nothing came of it yet. */
function isOpen({ status, logIndex, resolution }: ExecutionFact): boolean {
  return status === "reserved" && logIndex === null && resolution === null;
}

function withoutReceipt({ id, status }: ExecutionFact): AuditProblem {
  const detail = `execution ${id}, ${status}, is not as the log has it`;
  return problem("execution_without_receipt", null, detail);
}

type Agreement = (receipt: ExecutionReceipt, fact: ExecutionFact) => boolean;

/** By member. A resolution changes status and code of the record, never those of the receipt. */
const AGREEMENTS: readonly (readonly [string, Agreement])[] = [
  ["status", (receipt, fact) => receipt.status === (fact.resolution?.from ?? fact.status)],
  ["code", (receipt, fact) => fact.resolution !== null || (receipt.code ?? null) === fact.code],
  ["action", (receipt, fact) => receipt.action === fact.action],
  ["nonce", (receipt, fact) => receipt.nonce === fact.nonce],
  ["mode", (receipt, fact) => receipt.mode === fact.mode],
  ["request_commitment", (receipt, fact) => receipt.request_commitment === fact.requestCommitment],
  [
    "result_commitment",
    (receipt, fact) => (receipt.result_commitment ?? null) === fact.resultCommitment,
  ],
  ["handler_digest", (receipt, fact) => receipt.handler_digest === fact.handlerDigest],
  ["scheme", ({ approval }, fact) => approval?.scheme === fact.approval?.scheme],
  ["iss", ({ approval }, fact) => approval?.iss === fact.approval?.iss],
  ["jti", ({ approval }, fact) => approval?.jti === fact.approval?.jti],
  ["signers", ({ approval }, fact) => isSame(approval?.signers, fact.approval?.signers)],
  ["uid", ({ peer }, fact) => peer.uid === fact.peer.uid],
  ["gid", ({ peer }, fact) => peer.gid === fact.peer.gid],
  ["pid", ({ peer }, fact) => peer.pid === fact.peer.pid],
  ["socket", ({ peer }, fact) => peer.socket === fact.peer.socket],
  ["trace_id", (receipt, fact) => (receipt.trace_id ?? null) === fact.traceId],
  [
    "proposed_at",
    ({ proposed_at: at }, fact) => (at === undefined ? null : parseTime(at)) === fact.proposedAtMs,
  ],
  ["received_at", (receipt, fact) => parseTime(receipt.received_at) === fact.receivedAtMs],
  ["reserved_at", (receipt, fact) => parseTime(receipt.reserved_at) === fact.reservedAtMs],
  [
    "started_at",
    ({ started_at: at }, fact) => (at === undefined ? null : parseTime(at)) === fact.startedAtMs,
  ],
  ["settled_at", (receipt, fact) => parseTime(receipt.settled_at) === fact.settledAtMs],
];

/** Returns the first member in which they differ. */
function executionDifference(
  index: number,
  receipt: ExecutionReceipt,
  fact: ExecutionFact,
): string | undefined {
  if (fact.logIndex !== index) return "log_index";
  return AGREEMENTS.find(([, agree]) => !agree(receipt, fact))?.[0];
}

function resolutionDifference(
  index: number,
  receipt: ResolutionReceipt,
  fact: ExecutionFact,
): string | undefined {
  if (fact.resolution?.logIndex !== index) return "log_index";
  if (fact.resolution.from !== receipt.from) return "from";
  return fact.status === receipt.as ? undefined : "as";
}

type Said = NonNullable<ExecutionReceipt["approval"]>["signers"];
type Kept = NonNullable<ExecutionFact["approval"]>["signers"];

function isSame(said: Said | undefined, kept: Kept | undefined): boolean {
  if (said === undefined || kept === undefined) return said === kept;
  return said.length === kept.length && kept.every((signer, i) => isSigner(said[i], signer));
}

/** A receipt that tells no kinds stands for keys that are Ed25519 and no more. */
function isSigner(said: Said[number] | undefined, kept: Signer): boolean {
  if (said?.name !== kept.name || said.keyid !== kept.keyid) return false;
  const { kind, user_verified: isVerified, hardware = false } = "kind" in said
    ? said
    : { kind: "ed25519", user_verified: false };
  return kind === kept.kind && isVerified === kept.userVerified && hardware === kept.hardware;
}
