/**
 * Ledger against log, in both directions: every receipt of an execution belongs to the execution that names its index,
 * every settled execution has its receipt, and both say the same. Memory: four bytes for each entry.
 */

import type { ExecutionStatus } from "../core/types.ts";
import { type AuditProblem, problem } from "./audit_report.ts";
import type { ExecutionReceipt, Receipt, ResolutionReceipt, SettledExecution } from "./receipt.ts";
import { formatTime } from "./time.ts";

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
  /** Every execution once, in any order. */
  all(): Iterable<ExecutionFact>;
}

export class LedgerMatch {
  readonly #facts: LedgerFacts;
  /** By log index: a tag of the execution whose receipt stands there, zero for none. */
  #owners = new Uint32Array(1024);

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
    return undefined;
  }

  /** From the ledger to the log, once every entry was seen. */
  missing(): AuditProblem | undefined {
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

/** The first member in which they differ; an operator's resolution changes the record, never the receipt. */
function executionDifference(
  index: number,
  receipt: ExecutionReceipt,
  fact: ExecutionFact,
): string | undefined {
  const resolved = fact.resolution !== null;
  const pairs: Record<string, readonly [unknown, unknown]> = {
    log_index: [index, fact.logIndex],
    status: [receipt.status, fact.resolution?.from ?? fact.status],
    code: resolved ? [0, 0] : [receipt.code ?? null, fact.code],
    action: [receipt.action, fact.action],
    nonce: [receipt.nonce, fact.nonce],
    mode: [receipt.mode, fact.mode],
    request_commitment: [receipt.request_commitment, fact.requestCommitment],
    result_commitment: [receipt.result_commitment ?? null, fact.resultCommitment],
    handler_digest: [receipt.handler_digest, fact.handlerDigest],
    scheme: [receipt.approval?.scheme, fact.approval?.scheme],
    iss: [receipt.approval?.iss, fact.approval?.iss],
    jti: [receipt.approval?.jti, fact.approval?.jti],
    signers: [signersOf(receipt.approval), signersOf(fact.approval)],
    uid: [receipt.peer.uid, fact.peer.uid],
    gid: [receipt.peer.gid, fact.peer.gid],
    pid: [receipt.peer.pid, fact.peer.pid],
    socket: [receipt.peer.socket, fact.peer.socket],
    trace_id: [receipt.trace_id ?? null, fact.traceId],
    received_at: [receipt.received_at, formatTime(fact.receivedAtMs)],
    reserved_at: [receipt.reserved_at, formatTime(fact.reservedAtMs)],
    started_at: [receipt.started_at ?? null, fact.startedAtMs === null ? null : formatTime(fact.startedAtMs)],
    settled_at: resolved || fact.settledAtMs === null
      ? [0, 0]
      : [receipt.settled_at, formatTime(fact.settledAtMs)],
  };
  return Object.entries(pairs).find(([, [said, kept]]) => said !== kept)?.[0];
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

function signersOf(approval: ExecutionFact["approval"] | ExecutionReceipt["approval"]): string {
  return JSON.stringify(approval?.signers.map(({ name, keyid }) => [name, keyid]) ?? null);
}
