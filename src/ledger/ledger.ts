/**
 * The ledger: what was claimed, what came of it, and the log of receipts. The engine calls these
 * operations and knows nothing of LMDB. Each operation has its own file; this class joins them.
 *
 * Invariants:
 * - L1 A nonce names at most one execution, for ever. (iss, jti) is claimed at most `uses` times,
 *   for ever.
 * - L2 Every promise resolves only after the transaction it rests on is on disk. A refusal that
 *   rests on another's claim waits for that claim's commit as well.
 * - L3 Inside a transaction every check comes before the first write.
 * - L4 An execution and its receipt are settled in one transaction: neither exists without the
 *   other.
 * - L5 No payload, result, salt, envelope or plain digest enters the database unsealed (vault/).
 */

import type { Clock } from "../core/clock.ts";
import type { Meter, Mode } from "../core/types.ts";
import type { SignedReceipt } from "../log/signed_receipt.ts";
import { backup } from "./backup.ts";
import { findByNonce, findExecution, list, unsettled } from "./executions.ts";
import { append, logReader } from "./log.ts";
import { recordRestore, resolve, revoke, setHalted, unrecordedRestore } from "./operate.ts";
import type { LedgerParts } from "./parts.ts";
import { oldestExpiryMs, Pruner } from "./prune.ts";
import { ProposalBook } from "./proposals/book.ts";
import { reserve } from "./reserve.ts";
import { settle } from "./settle.ts";
import { ownExecutionKey } from "./store/keys.ts";
import { advanceMark, fenceReached } from "./store/state.ts";
import type {
  ApprovalClaim,
  ExecutionRecord,
  LedgerHealth,
  LedgerStatistics,
  ListFilter,
  LogReader,
  PruneReport,
  RequestBody,
  RequestSalt,
  Reservation,
  Restoration,
  ResultBody,
  Settlement,
} from "./types.ts";

export class Ledger {
  readonly executorId: string;
  readonly mode: Mode;
  readonly log: LogReader;
  /** The clock that the whole daemon goes by. It is never before the ledger's mark. */
  readonly clock: Clock;
  /** Requests that wait for a person. */
  readonly proposals: ProposalBook;
  readonly #pruner: Pruner;
  #closed: Promise<void> | undefined;

  constructor(private readonly parts: LedgerParts) {
    this.executorId = parts.identity.executorId;
    this.mode = parts.identity.mode;
    this.clock = parts.clock;
    this.proposals = new ProposalBook(parts);
    this.#pruner = new Pruner(parts);
    this.log = logReader(parts.tables, () => parts.commits.state().logSize);
  }

  findByNonce(nonce: string): ExecutionRecord | undefined {
    return findByNonce(this.parts.tables, nonce)?.record;
  }

  find(id: string): ExecutionRecord | undefined {
    return findExecution(this.parts.tables, id)?.record;
  }

  /** Lists the newest first. */
  list(filter: ListFilter): ExecutionRecord[] {
    return list(this.parts.tables, filter);
  }

  /**
   * Returns undefined if it was pruned or never stored. Throws a Refusal, ledger_unavailable, if
   * its key in the vault is lost or another one.
   */
  openRequest(id: string): RequestBody | undefined {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : this.parts.bodies.openRequest(stored);
  }

  /**
   * Does the same, and leaves the event loop free meanwhile. It finds the row at once; `meter` is
   * told of the bytes before they are opened.
   */
  async readRequest(id: string, meter?: Meter): Promise<RequestBody | undefined> {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : await this.parts.bodies.readRequest(stored, meter);
  }

  /** Reads the salt of a request alone. */
  async readSalt(id: string, meter?: Meter): Promise<RequestSalt | undefined> {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : await this.parts.bodies.readSalt(stored, meter);
  }

  /** Does the same for a result. */
  async readResult(id: string, meter?: Meter): Promise<ResultBody | undefined> {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : await this.parts.bodies.readResult(stored, meter);
  }

  /** Does the same for the reason of a failure. */
  async readReason(id: string, meter?: Meter): Promise<string | undefined> {
    const stored = findExecution(this.parts.tables, id);
    return stored === undefined ? undefined : await this.parts.bodies.readReason(stored, meter);
  }

  /**
   * Claims nonce and approval in one durable transaction. Throws a Refusal: halted, nonce_reused,
   * approval_fenced, approval_revoked, approval_already_used, storage_full, ledger_unavailable, or
   * what `recheck` throws.
   *
   * A refusal means that nothing was claimed, except ledger_unavailable: if the disk failed under
   * the commit, only a restart can tell. The execution was not started, so it then becomes
   * `outcome_unknown` at worst.
   */
  reserve(reservation: Reservation): Promise<ExecutionRecord> {
    return reserve(this.parts, reservation);
  }

  /**
   * Stores outcome, sealed result, receipt and log leaf in one durable transaction. It waits out a
   * full disk, for at most `attempts` attempts; then it rejects with storage_full. It rejects with
   * ledger_unavailable if the outcome cannot be recorded before a restart. A result that cannot be
   * sealed for another reason is left out: from then on it shows as pruned.
   */
  settle(settlement: Settlement, attempts?: number): Promise<ExecutionRecord> {
    return settle(this.parts, settlement, attempts);
  }

  /** Returns every execution still `reserved`: a start has to settle or rerun them. */
  unsettled(): ExecutionRecord[] {
    return unsettled(this.parts.tables);
  }

  /**
   * Appends receipts that belong to no execution (refusals, summaries, admin acts, keys); resolves
   * with the first index. Throws storage_full long before settlements lack space, unless `urgent`:
   * an operator's act or a key may use the space held back.
   */
  append(receipts: readonly SignedReceipt[], urgent = false): Promise<number> {
    return append(this.parts, receipts, urgent);
  }

  /** Returns the restore that has no receipt in the log yet, or null. */
  unrecordedRestore(): Restoration | null {
    return unrecordedRestore(this.parts.tables);
  }

  /** Appends the receipt of that restore, once. */
  recordRestore(receipt: SignedReceipt): Promise<void> {
    return recordRestore(this.parts, receipt);
  }

  /** Declares an unknown outcome. Throws execution_not_found, not_resolvable. */
  resolve(
    id: string,
    as: "succeeded" | "failed",
    receipt: SignedReceipt,
  ): Promise<ExecutionRecord> {
    return resolve(this.parts, id, as, receipt);
  }

  /** Revokes an approval for ever, even one that was never seen. */
  revoke(iss: string, jti: string, receipt: SignedReceipt): Promise<void> {
    return revoke(this.parts, iss, jti, receipt);
  }

  /**
   * Checks that an approval could be used once more, as of now; the reservation decides. Throws
   * approval_fenced, approval_revoked, approval_already_used, in this order.
   */
  checkUse(claim: ApprovalClaim, id: string): void {
    const { approvals, commits } = this.parts;
    approvals.takeUse(claim, ownExecutionKey(id), commits.state());
  }

  setHalted(halted: boolean, receipt: SignedReceipt): Promise<void> {
    return setHalted(this.parts, halted, receipt);
  }

  /**
   * Destroys what has expired, at most `limit` bodies. `force` lifts a pause that a jump of the
   * clock caused.
   */
  prune(limit: number, force = false): Promise<PruneReport> {
    return this.#pruner.run(limit, force);
  }

  /** Resolves once approvals issued from now on are after the fence. */
  fenceReached(): Promise<void> {
    return fenceReached(this.parts.commits.state().fenceSeconds, this.clock);
  }

  /** Returns how many buckets of bodies should be readable and are not. */
  unreadableBuckets(): number {
    return this.parts.bodies.unreadableBuckets(this.clock.nowMs()).size;
  }

  /** Makes a consistent copy without vault keys, while running. */
  backup(directory: string): Promise<void> {
    return backup(this.parts.store, directory);
  }

  health(): LedgerHealth {
    const { halted, pruningPaused } = this.parts.commits.state();
    return { refusing: this.parts.space.refusing(), halted, pruningPaused };
  }

  statistics(): LedgerStatistics {
    const { executions, unsettled, logSize } = this.parts.commits.state();
    return {
      executions,
      unsettled,
      logSize,
      fileBytes: this.parts.store.bytes,
      oldestUnprunedMs: oldestExpiryMs(this.parts.tables),
    };
  }

  /** Waits for open writes, then frees the state directory. May be called twice. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { commits, clock, store, lock } = this.parts;
    await commits.add((state) => void advanceMark(state, clock)).catch(() => {});
    await store.close();
    lock.release();
  }
}
