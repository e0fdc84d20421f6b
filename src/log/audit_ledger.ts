/**
 * Ledger against log, in both directions: every receipt of an execution belongs to the execution that names its index,
 * every settled execution has its receipt, and both say the same. Memory: four bytes for each entry.
 */

import type { ExecutionStatus } from "../core/types.ts";
import { type AuditProblem, problem } from "./audit_report.ts";
import type { ExecutionReceipt, Receipt, ResolutionReceipt, SettledExecution } from "./receipt.ts";
import { parseTime } from "./time.ts";

/** What the ledger says of an execution; a record of the ledger has this shape. */
export interface ExecutionFact extends Omit<SettledExecution, "status" | "settledAtMs"> {
  readonly status: ExecutionStatus;
  readonly settledAtMs: number | null;
  readonly logIndex: number | null;
  readonly resolution: { readonly from: ExecutionStatus; readonly logIndex: number } | null;
}

export interface LedgerFacts {
  readonly executorId: string;
  find(id: string): ExecutionFact | undefined;
  /** How many executions `all` has, counted and not looked up anywhere. */
  count(): number;
  /** Every execution once, in any order. */
  all(): Iterable<ExecutionFact>;
}

export class LedgerMatch {
  readonly #facts: LedgerFacts;
  /** By log index: a tag of the execution whose receipt stands there, zero for none. */
  #owners = new Uint32Array(1024);
  /** Executions whose receipt was seen; each is another one, for an execution names one index. */
  #matched = 0;
  /** Resolutions that those name, less the receipts of resolutions that were seen. */
  #unresolved = 0;

  constructor(facts: LedgerFacts) {
    this.#facts = facts;
  }

  /** From the log to the ledger. */
  entry(index: number, receipt: Receipt): AuditProblem | undefined {
    if (receipt.kind !== "execution" && receipt.kind !== "resolution") return undefined;
    const fact = this.#facts.find(receipt.execution_id);
    if (fact === undefined) {
      return problem(
        "receipt_without_execution",
        index,
        `the ledger has no execution ${receipt.execution_id}`,
      );
    }
    const difference = receipt.kind === "execution"
      ? executionDifference(index, receipt, fact)
      : resolutionDifference(index, receipt, fact);
    if (difference !== undefined) return mismatch(index, receipt.execution_id, difference);
    this.#own(index, fact.id);
    if (receipt.kind === "resolution") this.#unresolved--;
    else {
      this.#matched++;
      if (fact.resolution !== null) this.#unresolved++;
    }
    return undefined;
  }

  /** From the ledger to the log, once every entry was seen: nothing is left when as many were matched as there are. */
  missing(): AuditProblem | undefined {
    if (this.#unresolved === 0 && this.#matched === this.#facts.count()) return undefined;
    for (const { id, status, logIndex, resolution } of this.#facts.all()) {
      const isMatched = status === "reserved"
        ? logIndex === null && resolution === null
        : this.#claim(logIndex, id) && (resolution === null || this.#claim(resolution.logIndex, id));
      if (!isMatched) {
        return problem(
          "execution_without_receipt",
          null,
          `execution ${id}, ${status}, is not as the log has it`,
        );
      }
    }
    return undefined;
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
  ["result_commitment", (receipt, fact) => (receipt.result_commitment ?? null) === fact.resultCommitment],
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
