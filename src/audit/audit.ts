/**
 * Audits a whole log, entry by entry: order, body, key, tree, checkpoints, ledger and signature.
 *
 * Invariants:
 * - The first bad entry is the one reported. It ends the audit, if not always at once.
 * - Memory does not grow with the log.
 */

import { equalBytes } from "../core/bytes.ts";
import { KeyChain } from "../log/key_chain.ts";
import { type LoggedReceipt, openReceipt, verifyReceiptSignature } from "../log/signed_receipt.ts";
import { Frontier, leafHash, type NodeReader } from "../log/tree.ts";
import { CheckpointAudit } from "./checkpoints.ts";
import { ExecutionAudit, type LedgerFacts } from "./executions.ts";
import { type AuditProblem, type AuditReport, problem } from "./report.ts";

export interface AuditOptions {
  /** The executor that the log must be of; where absent, entry 0 names it. */
  readonly executorId?: string;
  /** Public keys, 32 bytes each. Where any is given, one of them must vouch for the log. */
  readonly trustedKeys?: readonly Uint8Array[];
  /** Texts of checkpoints kept elsewhere. The entries they cover must still be there. */
  readonly checkpoints?: readonly string[];
  /** The stored nodes of the tree, to compare with. */
  readonly nodes?: NodeReader;
  /** The number of entries that there must be. */
  readonly size?: number;
  readonly ledger?: LedgerFacts;
  /** Where signatures are verified; absent: on this thread, as entries are added. */
  readonly signatures?: SignatureChecks;
  /** Called after each entry with the number of entries taken so far. */
  readonly progress?: (entries: number) => void;
}

/** Verifies signatures while other entries are audited. */
export interface SignatureChecks {
  add(entry: LoggedReceipt, publicKey: Uint8Array): void;
  /** Resolves when more should be added; to false once an entry is known to be bad. */
  room(): Promise<boolean>;
  /** Resolves to the index of the first entry that is badly signed, or null, once all are seen. */
  end(): Promise<number | null>;
}

/** Entries between two looks at whether the signatures keep up. */
const ENTRIES_AHEAD = 256;

/** Audits `entries`, the whole log in order. */
export async function auditLog(
  entries: Iterable<LoggedReceipt>,
  options: AuditOptions,
): Promise<AuditReport> {
  const audit = new LogAudit(options);
  let count = 0;
  for (const entry of entries) {
    audit.add(entry);
    if (++count % ENTRIES_AHEAD === 0) await audit.keepUp();
    if (audit.stopped) break;
  }
  await audit.verifyAll();
  return audit.finish();
}

export class LogAudit {
  readonly #options: AuditOptions;
  readonly #tree = new Frontier();
  readonly #chain = new KeyChain();
  readonly #checkpoints: CheckpointAudit;
  readonly #ledger: ExecutionAudit | undefined;
  #executorId: string | undefined;
  #problem: AuditProblem | undefined;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#executorId = options.executorId ?? options.ledger?.executorId;
    this.#ledger = options.ledger === undefined ? undefined : new ExecutionAudit(options.ledger);
    this.#checkpoints = new CheckpointAudit(options.checkpoints ?? []);
  }

  /** Whether something bad was found. Entries added afterwards are ignored. */
  get stopped(): boolean {
    return this.#problem !== undefined;
  }

  add(entry: LoggedReceipt): void {
    if (this.stopped) return;
    const found = this.#check(entry);
    if (found !== undefined) this.fail(found);
    this.#options.progress?.(this.#tree.size);
  }

  /** Records a problem that the source of the entries has, unless one was found before. */
  fail(found: AuditProblem): void {
    this.#problem ??= this.#ledger?.overdue() ?? found;
  }

  /** Waits for signatures that are verified elsewhere, so that not too many are under way. */
  async keepUp(): Promise<void> {
    if (await this.#options.signatures?.room() === false) await this.verifyAll();
  }

  /** Waits for all of them. Call it after the last entry, where they are verified elsewhere. */
  async verifyAll(): Promise<void> {
    const firstBad = await this.#options.signatures?.end() ?? null;
    if (firstBad !== null) this.#badlySigned(firstBad);
  }

  /** Records that an entry's signature does not verify, unless an earlier entry is bad. */
  #badlySigned(index: number): void {
    this.#problem ??= this.#ledger?.overdue();
    const known = this.#problem?.index ?? Infinity;
    if (index < known) this.#problem = signatureInvalid(index);
  }

  /** Adds the checkpoint that ends an export. It must cover exactly the entries so far. */
  close(checkpoint: string): void {
    this.#checkpoints.addFinal(checkpoint, this.#tree);
  }

  finish(): AuditReport {
    this.#problem ??= this.#ledger?.overdue();
    // entries after a bad one may have been seen before it was found
    const last = this.#problem?.index ?? Infinity;
    const keys = this.#chain.keys.filter(({ since }) => since <= last);
    const trusted = this.#options.trustedKeys ?? [];
    const anchored = this.#checkpoints.anchors(this.#executorId ?? "", keys, trusted);
    this.#problem ??= this.#conclude(trusted.length > 0 && !anchored);
    const badIndex = this.#problem?.index ?? null;
    return {
      ok: this.#problem === undefined,
      entries: badIndex ?? this.#tree.size,
      root: badIndex === null ? this.#tree.root() : null,
      executorId: this.#executorId ?? null,
      keys,
      anchored,
      problem: this.#problem ?? null,
    };
  }

  /** Returns the first thing wrong with the next entry. The signature costs most, so it is last. */
  #check(entry: LoggedReceipt): AuditProblem | undefined {
    const index = this.#tree.size;
    if (entry.index !== index) {
      return problem("entry_out_of_order", index, `entry ${entry.index} stands there`);
    }
    const receipt = openReceipt(entry);
    if (receipt === undefined) return problem("body_malformed", index, "it is no receipt");
    const executorId = this.#executorId ??= receipt.executor_id;
    if (receipt.executor_id !== executorId) {
      const detail = `it is of ${receipt.executor_id}, not ${executorId}`;
      return problem("executor_mismatch", index, detail);
    }
    const publicKey = this.#chain.follow(index, entry.keyid, receipt);
    if (publicKey === undefined) {
      return problem("key_unknown", index, `it was not for ${entry.keyid} to sign`);
    }
    const found = this.#append(index, entry.body) ?? this.#ledger?.entry(index, receipt);
    if (found !== undefined) return found;
    const { signatures } = this.#options;
    if (signatures !== undefined) return void signatures.add(entry, publicKey);
    return verifyReceiptSignature(entry, publicKey) ? undefined : signatureInvalid(index);
  }

  #append(index: number, body: Uint8Array): AuditProblem | undefined {
    const { nodes } = this.#options;
    for (const node of this.#tree.append(leafHash(body))) {
      const stored = nodes?.node(node.level, node.index);
      if (nodes !== undefined && (stored === undefined || !equalBytes(stored, node.hash))) {
        const detail = `node ${node.index} of level ${node.level} is not what is stored`;
        return problem("tree_mismatch", index, detail);
      }
    }
    this.#checkpoints.compare(this.#tree);
    return undefined;
  }

  /** Returns the first thing wrong with the log as a whole, once every entry was good. */
  #conclude(untrusted: boolean): AuditProblem | undefined {
    const { size } = this.#options;
    const entries = this.#tree.size;
    if (size !== undefined && size !== entries) {
      return problem("size_mismatch", null, `there are ${entries} entries, not ${size}`);
    }
    if (entries === 0) return problem("log_empty", null, "a log begins with its first key");
    return this.#checkpoints.conclude(entries, this.#executorId ?? "", this.#chain.keys) ??
      this.#ledger?.conclude() ??
      (untrusted ? problem("untrusted", null, "no trusted key vouches for this log") : undefined);
  }
}

function signatureInvalid(index: number): AuditProblem {
  return problem("signature_invalid", index, "its signature does not verify");
}
