/**
 * Ledger against log, in both directions: every receipt of an execution belongs to the execution that names its index,
 * every settled execution has its receipt, and both say the same. Every other execution is listed as unsettled. What they
 * claimed is for claims.ts. Memory: four bytes for each entry.
 */

import type { ExecutionStatus } from "../core/types.ts";
import { type ClaimFacts, ClaimMatch } from "./claims.ts";
import { type AuditProblem, problem } from "./report.ts";
import type {
  ExecutionReceipt,
  Receipt,
  ResolutionReceipt,
  SettledExecution,
} from "../log/receipt.ts";
import { parseTime } from "../log/time.ts";

/** What the ledger says of an execution; a record of the ledger has this shape. */
export interface ExecutionFact extends Omit<SettledExecution, "status" | "settledAtMs"> {
  readonly status: ExecutionStatus;
  readonly settledAtMs: number | null;
  readonly logIndex: number | null;
  readonly resolution: { readonly from: ExecutionStatus; readonly logIndex: number } | null;
}

/** All of one moment. */
export interface LedgerFacts {
  readonly executorId: string;
  readonly claims: ClaimFacts;
  /** undefined when there is none that can be read. */
  find(id: string): ExecutionFact | undefined;
  /** How many executions `all` has, counted and not looked up anywhere. */
  count(): number;
  /** Every execution once, in any order. */
  all(): Iterable<ExecutionFact>;
  /** Ids that are listed as unsettled. */
  unsettled(): Iterable<string>;
  /** How many executions are listed under a peer. */
  listed(): number;
}

export class LedgerMatch {
  readonly #facts: LedgerFacts;
  readonly #claims: ClaimMatch;
  /** By log index: a tag of the execution whose receipt stands there, zero for none. */
  #owners = new Uint32Array(1024);
  /** Executions whose receipt was seen; each is another one, for an execution names one index. */
  #matched = 0;
  /** Resolutions that those name, less the receipts of resolutions that were seen. */
  #unresolved = 0;

  constructor(facts: LedgerFacts) {
    this.#facts = facts;
    this.#claims = new ClaimMatch(facts.claims);
  }

  /** From the log to the ledger; what is wrong with its claims may be told with a later entry. */
  entry(index: number, receipt: Receipt): AuditProblem | undefined {
    if (receipt.kind === "admin" && receipt.act === "revoke") {
      return this.#claims.revocation(index, receipt);
    }
    if (receipt.kind !== "execution" && receipt.kind !== "resolution") return undefined;
    const fact = this.#facts.find(receipt.execution_id);
    if (fact === undefined) {
      return problem(
        "receipt_without_execution",
        index,
        `the ledger has no execution ${receipt.execution_id} that can be read`,
      );
    }
    const difference = receipt.kind === "execution"
      ? executionDifference(index, receipt, fact)
      : resolutionDifference(index, receipt, fact);
    if (difference !== undefined) return mismatch(index, receipt.execution_id, difference);
    this.#own(index, fact.id);
    if (receipt.kind === "resolution") {
      this.#unresolved--;
      return undefined;
    }
    this.#matched++;
    if (fact.resolution !== null) this.#unresolved++;
    return this.#claims.execution(index, fact);
  }

  /** What is wrong with the claims of the entries so far. */
  claims(): AuditProblem | undefined {
    return this.#claims.compare();
  }

  /** From the ledger to the log, once every entry was seen. */
  missing(): AuditProblem | undefined {
    const unsettled = new Set<string>();
    for (const id of this.#facts.unsettled()) {
      const fact = this.#facts.find(id);
      if (fact?.status !== "reserved" || unsettled.has(id)) {
        return problem(
          "unsettled_mismatch",
          null,
          `execution ${id} is listed as unsettled, and is not`,
        );
      }
      if (!isOpen(fact)) return withoutReceipt(fact);
      unsettled.add(id);
      const claim = this.#claims.execution(null, fact);
      if (claim !== undefined) return claim;
    }
    return this.#claims.compare() ?? this.#unmatched(unsettled) ?? this.#unlisted() ??
      this.#claims.left();
  }

  /** Nothing is left when as many were matched or are unsettled as there are. */
  #unmatched(unsettled: ReadonlySet<string>): AuditProblem | undefined {
    if (this.#unresolved === 0 && this.#matched + unsettled.size === this.#facts.count()) {
      return undefined;
    }
    for (const fact of this.#facts.all()) {
      if (unsettled.has(fact.id)) continue;
      if (isOpen(fact)) {
        return problem(
          "unsettled_mismatch",
          null,
          `execution ${fact.id}, reserved, is not listed as unsettled`,
        );
      }
      const { id, logIndex, resolution } = fact;
      const isMatched = this.#claim(logIndex, id) &&
        (resolution === null || this.#claim(resolution.logIndex, id));
      if (!isMatched) return withoutReceipt(fact);
    }
    return undefined;
  }

  #unlisted(): AuditProblem | undefined {
    const [listed, count] = [this.#facts.listed(), this.#facts.count()];
    return listed === count ? undefined : problem(
      "peer_mismatch",
      null,
      `${listed} executions are listed by peer, and there are ${count}`,
    );
  }

  #own(index: number, id: string): void {
    if (index >= this.#owners.length) {
      const larger = new Uint32Array(2 * index);
      larger.set(this.#owners);
      this.#owners = larger;
    }
    this.#owners[index] = tagOf(id);
  }

  /** Once for each entry, lest two executions pass with one receipt. */
  #claim(index: number | null, id: string): boolean {
    if (index === null || this.#owners[index] !== tagOf(id)) return false;
    this.#owners[index] = 0;
    return true;
  }
}

/** Random bits of a UUIDv7, never zero: enough to name the right one of two, while a claim alone finds that there are two. */
function tagOf(id: string): number {
  return parseInt(id.slice(-8), 16) || 1;
}

/** Reserved, and nothing came of it yet. */
function isOpen({ status, logIndex, resolution }: ExecutionFact): boolean {
  return status === "reserved" && logIndex === null && resolution === null;
}

function withoutReceipt({ id, status }: ExecutionFact): AuditProblem {
  return problem(
    "execution_without_receipt",
    null,
    `execution ${id}, ${status}, is not as the log has it`,
  );
}

function mismatch(index: number, id: string, difference: string): AuditProblem {
  return problem(
    "execution_mismatch",
    index,
    `ledger and receipt of execution ${id} differ in ${difference}`,
  );
}

type Agreement = (receipt: ExecutionReceipt, fact: ExecutionFact) => boolean;

/** Member by member; an operator's resolution changes status and code of the record, never the receipt. */
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
  ["received_at", (receipt, fact) => parseTime(receipt.received_at) === fact.receivedAtMs],
  ["reserved_at", (receipt, fact) => parseTime(receipt.reserved_at) === fact.reservedAtMs],
  [
    "started_at",
    ({ started_at: at }, fact) => (at === undefined ? null : parseTime(at)) === fact.startedAtMs,
  ],
  ["settled_at", (receipt, fact) => parseTime(receipt.settled_at) === fact.settledAtMs],
];

/** The first member in which they differ. */
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

type Signers = NonNullable<ExecutionFact["approval"]>["signers"];

function isSame(said: Signers | undefined, kept: Signers | undefined): boolean {
  if (said === undefined || kept === undefined) return said === kept;
  return said.length === kept.length &&
    said.every(({ name, keyid }, i) => name === kept[i]?.name && keyid === kept[i]?.keyid);
}
