/**
 * Ledger against log, in both directions: every receipt of an execution belongs to the execution that names its index,
 * every settled execution has its receipt, and both say the same. Memory: one bit for each entry.
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
  #matched = new Uint8Array(1024);

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
    this.#mark(index);
    return undefined;
  }

  /** From the ledger to the log, once every entry was seen. */
  missing(): AuditProblem | undefined {
    for (const fact of this.#facts.all()) {
      const indexes = [fact.logIndex, ...(fact.resolution === null ? [] : [fact.resolution.logIndex])];
      const settled = fact.status !== "reserved";
      if (indexes.every((index) => index === null ? !settled : settled && this.#isMarked(index))) continue;
      return problem(
        "execution_without_receipt",
        null,
        `execution ${fact.id}, ${fact.status}, has no receipt`,
      );
    }
    return undefined;
  }

  #mark(index: number): void {
    const byte = Math.floor(index / 8);
    if (byte >= this.#matched.length) {
      const larger = new Uint8Array(2 * byte);
      larger.set(this.#matched);
      this.#matched = larger;
    }
    this.#matched[byte] = (this.#matched[byte] ?? 0) | 1 << index % 8;
  }

  #isMarked(index: number): boolean {
    return ((this.#matched[Math.floor(index / 8)] ?? 0) & 1 << index % 8) !== 0;
  }
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
