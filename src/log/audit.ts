/**
 * Audits a whole log as it streams by: order, bodies, keys, signatures, tree, checkpoints and, where there is one, the
 * ledger. Memory does not grow with the log, but for four bytes for each entry where a ledger is matched.
 *
 * Invariant: the problem reported is that of the first bad entry, however its checks were spread over threads.
 */

import { equalBytes } from "../core/bytes.ts";
import { CheckpointAudit } from "./audit_checkpoint.ts";
import { type LedgerFacts, LedgerMatch } from "./audit_ledger.ts";
import { type AuditProblem, type AuditReport, problem } from "./audit_report.ts";
import { KeyChain } from "./key_chain.ts";
import { decodeReceipt, type Receipt } from "./receipt.ts";
import { type FirstBadSignature, firstBadSignature, type SignatureJob } from "./signature_jobs.ts";
import type { LoggedReceipt } from "./signed_receipt.ts";
import { Frontier, leafHash, type NodeReader } from "./tree.ts";

export interface AuditOptions {
  /** Absent: as entry 0 has it. */
  readonly executorId?: string;
  /** 32 bytes each. With any, one of them must vouch for the log. */
  readonly trustedKeys?: readonly Uint8Array[];
  /** Texts of checkpoints kept elsewhere: what they saw must still be there. */
  readonly checkpoints?: readonly string[];
  /** Stored nodes to compare with. */
  readonly nodes?: NodeReader;
  /** How many entries there must be. */
  readonly size?: number;
  readonly ledger?: LedgerFacts;
  /** Absent: on this thread. */
  readonly firstBadSignature?: FirstBadSignature;
  /** Called with the number of entries taken so far. */
  readonly progress?: (entries: number) => void;
}

/** Batches under way at once: enough to keep other threads busy, few enough to hold. */
const PENDING_MAX = 8;

/** `batches`: the entries in order, some hundred at a time. */
export async function auditLog(
  batches: AsyncIterable<readonly LoggedReceipt[]> | Iterable<readonly LoggedReceipt[]>,
  options: AuditOptions,
): Promise<AuditReport> {
  const audit = new LogAudit(options);
  for await (const batch of batches) {
    await audit.add(batch);
    if (audit.stopped) break;
  }
  return await audit.finish();
}

/** The same, for whoever gets the entries by and by. */
export class LogAudit {
  readonly #options: AuditOptions;
  readonly #frontier = new Frontier();
  readonly #chain = new KeyChain();
  readonly #checkpoints: CheckpointAudit;
  readonly #ledger: LedgerMatch | undefined;
  readonly #pending: Promise<void>[] = [];
  readonly #problems: AuditProblem[] = [];
  #executorId: string | undefined;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#executorId = options.executorId ?? options.ledger?.executorId;
    this.#ledger = options.ledger === undefined ? undefined : new LedgerMatch(options.ledger);
    this.#checkpoints = new CheckpointAudit(options.checkpoints ?? []);
  }

  /** Whether something bad was found: nothing that follows is looked at. */
  get stopped(): boolean {
    return this.#problems.length > 0;
  }

  async add(entries: readonly LoggedReceipt[]): Promise<void> {
    const jobs: SignatureJob[] = [];
    const start = this.#frontier.size;
    for (const entry of entries) {
      if (this.stopped) break;
      this.fail(this.#take(entry, jobs));
    }
    this.#options.progress?.(this.#frontier.size);
    const verified = this.#verify(jobs, start);
    verified.catch(() => undefined); // whoever awaits it below sees the fault; until then nobody does
    this.#pending.push(verified);
    if (this.#pending.length > PENDING_MAX) await this.#pending.shift();
  }

  /** Takes note of what its source, or an entry, has wrong. */
  fail(found: AuditProblem | undefined): void {
    if (found !== undefined) this.#problems.push(found);
  }

  /** Adds a checkpoint that comes after the entries and must be of exactly these: an export ends with one. */
  keep(checkpoint: string): void {
    this.#checkpoints.addFinal(checkpoint, this.#frontier);
  }

  async finish(): Promise<AuditReport> {
    await Promise.all(this.#pending);
    this.fail(this.#ledger?.claims());
    const keys = this.#chain.keys;
    const trusted = this.#options.trustedKeys ?? [];
    const anchored = this.#checkpoints.anchors(this.#executorId ?? "", keys, trusted);
    if (!this.stopped) this.fail(this.#conclude(trusted.length > 0 && !anchored));
    const first =
      this.#problems.toSorted((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity))[0] ?? null;
    return {
      ok: first === null,
      entries: first?.index ?? this.#frontier.size,
      root: (first?.index ?? null) === null ? this.#frontier.root() : null,
      executorId: this.#executorId ?? null,
      keys,
      anchored,
      problem: first,
    };
  }

  /** The first thing wrong with an entry; its signature is left to `jobs`. */
  #take(entry: LoggedReceipt, jobs: SignatureJob[]): AuditProblem | undefined {
    const index = this.#frontier.size;
    if (entry.index !== index) {
      return problem("entry_out_of_order", index, `entry ${entry.index} stands there`);
    }
    const receipt = decodeReceipt(entry.body);
    if (receipt === undefined) return problem("body_malformed", index, "it is no receipt");
    this.#executorId ??= receipt.executor_id;
    if (receipt.executor_id !== this.#executorId) {
      return problem(
        "executor_mismatch",
        index,
        `it is of ${receipt.executor_id}, not ${this.#executorId}`,
      );
    }
    const publicKey = this.#chain.follow(index, entry.keyid, receipt);
    if (publicKey === undefined) {
      return problem("key_unknown", index, `it was not for ${entry.keyid} to sign`);
    }
    jobs.push({ receipt: entry, publicKey });
    return this.#grow(index, entry, receipt);
  }

  #grow(index: number, entry: LoggedReceipt, receipt: Receipt): AuditProblem | undefined {
    const { nodes } = this.#options;
    for (const node of this.#frontier.append(leafHash(entry.body))) {
      const stored = nodes?.node(node.level, node.index);
      if (nodes !== undefined && (stored === undefined || !equalBytes(stored, node.hash))) {
        return problem(
          "tree_mismatch",
          index,
          `node ${node.index} of level ${node.level} is not what is stored`,
        );
      }
    }
    this.#checkpoints.compare(this.#frontier);
    return this.#ledger?.entry(index, receipt);
  }

  async #verify(jobs: readonly SignatureJob[], start: number): Promise<void> {
    const bad = await (this.#options.firstBadSignature ?? firstBadSignature)(jobs);
    if (bad >= 0) {
      this.fail(problem("signature_invalid", start + bad, "its signature does not verify"));
    }
  }

  #conclude(untrusted: boolean): AuditProblem | undefined {
    const { size } = this.#options;
    const entries = this.#frontier.size;
    if (size !== undefined && size !== entries) {
      return problem("size_mismatch", null, `there are ${entries} entries, not ${size}`);
    }
    if (entries === 0) return problem("log_empty", null, "a log begins with its first key");
    return this.#checkpoints.conclude(entries, this.#executorId ?? "", this.#chain.keys) ??
      this.#ledger?.missing() ??
      (untrusted ? problem("untrusted", null, "no trusted key vouches for this log") : undefined);
  }
}
