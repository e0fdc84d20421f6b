/**
 * The ledger: what was claimed, what came of it, and the log of receipts. The engine calls these operations and knows
 * nothing of LMDB; ledger/ledger.ts is the one implementation.
 *
 * Invariants:
 * - L1 A nonce names at most one execution, for ever. (iss, jti) is claimed at most `uses` times, for ever.
 * - L2 Every promise below resolves only after the transaction it rests on is on disk; a refusal that rests on
 *   another's claim waits for that claim's commit as well.
 * - L3 Inside a transaction every check comes before the first write (a throwing callback is not rolled back).
 * - L4 An execution and its receipt are settled in one transaction: neither exists without the other.
 * - L5 No payload, result, salt, envelope or plain digest enters the database unsealed (ledger/vault/).
 */

import type { ErrorCode } from "../core/errors.ts";
import type {
  ApprovalReference,
  ApprovalScheme,
  Digest,
  ExecutionStatus,
  Mode,
  Peer,
} from "../core/types.ts";
import type { Retention } from "../config/config.ts";
import type { LoggedReceipt, SignedReceipt } from "../log/signed_receipt.ts";
import type { NodeReader } from "../log/tree.ts";
import type { Restoration } from "./restored.ts";

export type { LoggedReceipt, SignedReceipt } from "../log/signed_receipt.ts";

/** One execution, as stored: everything here may stay for ever. Times are milliseconds since 1970. */
export interface ExecutionRecord {
  /** UUIDv7. */
  readonly id: string;
  readonly action: string;
  readonly nonce: string;
  readonly mode: Mode;
  readonly peer: Peer;
  readonly approval: ApprovalReference | null;
  readonly handlerDigest: Digest;
  readonly requestCommitment: Digest;
  readonly resultCommitment: Digest | null;
  readonly status: ExecutionStatus;
  /** null while reserved and when it succeeded. */
  readonly code: ErrorCode | null;
  readonly traceId: string | null;
  readonly receivedAtMs: number;
  readonly reservedAtMs: number;
  readonly startedAtMs: number | null;
  readonly settledAtMs: number | null;
  /** Of the receipt of its settlement. */
  readonly logIndex: number | null;
  /** Set when an operator closed it; `status` is then the declared one. */
  readonly resolution: { readonly from: ExecutionStatus; readonly logIndex: number } | null;
}

/** What is kept of a request while its retention lasts. */
export interface RequestBody {
  /** RFC 8785 text of {"action","payload"}: the bytes that were digested. */
  readonly canonical: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** The approval as it was sent (JSON text), or null in demo mode. */
  readonly approvalText: string | null;
}

export interface ResultBody {
  /** RFC 8785 text of the result. */
  readonly canonical: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** The claim an approval makes in the reservation. */
export interface ApprovalClaim {
  readonly scheme: ApprovalScheme;
  readonly iss: string;
  readonly jti: string;
  readonly uses: number;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** 32 bytes: SHA-256 of the signed body; another body under the same (iss, jti) is refused. */
  readonly bodyDigest: Uint8Array;
}

export interface Reservation {
  /** Without the fields that the reservation itself decides. */
  readonly record: Omit<ExecutionRecord, "reservedAtMs" | "status">;
  readonly body: RequestBody;
  readonly retention: Retention;
  readonly claim: ApprovalClaim | null;
  /** Looks at expiry and trust once more, inside the transaction, before the first write; throws a Refusal. */
  readonly recheck: (nowMs: number) => void;
}

export interface Settlement {
  readonly id: string;
  readonly status: Exclude<ExecutionStatus, "reserved">;
  readonly code: ErrorCode | null;
  readonly startedAtMs: number | null;
  readonly settledAtMs: number;
  readonly result: ResultBody | null;
  readonly resultCommitment: Digest | null;
  readonly retention: Retention;
  readonly receipt: SignedReceipt;
}

/** Read side of the log; reads see committed and pending appends alike only inside the ledger itself. */
export interface LogReader extends NodeReader {
  /** Number of leaves on disk. */
  size(): number;
  leaf(index: number): LoggedReceipt | undefined;
}

export interface PruneReport {
  readonly bodies: number;
  readonly buckets: number;
  readonly done: boolean;
}

export interface LedgerHealth {
  /** null when it can be written. */
  readonly refusing: Extract<ErrorCode, "storage_full" | "ledger_unavailable"> | null;
  readonly halted: boolean;
  readonly pruningPaused: boolean;
}

export interface LedgerStatistics {
  readonly executions: number;
  readonly unsettled: number;
  readonly logSize: number;
  readonly fileBytes: number;
  readonly oldestUnprunedMs: number | null;
}

export interface Ledger {
  readonly executorId: string;
  readonly mode: Mode;
  readonly log: LogReader;

  findByNonce(nonce: string): ExecutionRecord | undefined;
  find(id: string): ExecutionRecord | undefined;
  /** Newest first; `uid` null lists everyone's; `before` is an id to go on from. */
  list(filter: { uid: number | null; limit: number; before?: string }): ExecutionRecord[];
  /** undefined once pruned or where it was never stored. */
  openRequest(id: string): RequestBody | undefined;
  openResult(id: string): ResultBody | undefined;

  /**
   * Claims nonce and approval in one durable transaction.
   * Throws a Refusal: halted, nonce_reused, approval_fenced, approval_revoked, approval_already_used, whatever
   * `recheck` throws, storage_full, ledger_unavailable. After any of them nothing was claimed, but for the last: when the
   * disk failed under a commit, only a restart can tell. Nothing was started, so it then is `outcome_unknown` at worst.
   */
  reserve(reservation: Reservation): Promise<ExecutionRecord>;
  /**
   * Outcome, sealed result, receipt and log leaf in one durable transaction. It waits out a full disk (space is held
   * back for it), unless it may try only `attempts` times, and rejects only with storage_full then, or with
   * ledger_unavailable, when the outcome cannot be recorded before a restart. A result that cannot be sealed for another
   * reason is left out: from then on it shows as pruned.
   */
  settle(settlement: Settlement, attempts?: number): Promise<ExecutionRecord>;
  /** Every execution still `reserved`; what start-up has to settle or rerun. */
  unsettled(): ExecutionRecord[];

  /**
   * Receipts that belong to no execution (refusals, summaries, admin acts, keys); returns the first index. Throws
   * storage_full long before settlements lack space, unless `urgent`: an operator's act or a key may use what is held back.
   */
  append(receipts: readonly SignedReceipt[], urgent?: boolean): Promise<number>;
  /** A restore whose receipt is not in the log yet; null when there is none. */
  unrecordedRestore(): Restoration | null;
  /** Its receipt, once. */
  recordRestore(receipt: SignedReceipt): Promise<void>;
  /** Declares an unknown outcome: throws execution_not_found, not_resolvable. */
  resolve(id: string, as: "succeeded" | "failed", receipt: SignedReceipt): Promise<ExecutionRecord>;
  /** Also of approvals never seen; lasts for ever. */
  revoke(iss: string, jti: string, receipt: SignedReceipt): Promise<void>;
  setHalted(halted: boolean, receipt: SignedReceipt): Promise<void>;

  /** Destroys what has expired, at most `limit` bodies; `force` lifts a pause that a clock jump caused. */
  prune(limit: number, force?: boolean): Promise<PruneReport>;
  /** A consistent copy without vault keys, taken while running. */
  backup(directory: string): Promise<void>;

  health(): LedgerHealth;
  statistics(): LedgerStatistics;
  close(): Promise<void>;
}
