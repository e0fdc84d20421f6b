/** The types that the ledger takes and gives: executions, bodies, claims and reports. */

import type { Text } from "../core/bytes.ts";
import type { Retention } from "../config/config.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { ApprovalScheme, Digest, ExecutionStatus } from "../core/types.ts";
import type { SettledExecution } from "../log/receipt.ts";
import type { LoggedReceipt, SignedReceipt } from "../log/signed_receipt.ts";
import type { NodeReader } from "../log/tree.ts";
import type { Start } from "./proposals/types.ts";

/** One execution. Everything in it may stay for ever. Times are milliseconds since 1970. */
export interface ExecutionRecord extends Omit<SettledExecution, "status" | "settledAtMs"> {
  readonly status: ExecutionStatus;
  readonly settledAtMs: number | null;
  /** The receipt of its settlement. */
  readonly logIndex: number | null;
  /** Set when an operator declared its outcome; `status` is then the declared one. */
  readonly resolution: { readonly from: ExecutionStatus; readonly logIndex: number } | null;
}

/** The part of a request that is kept during its retention. */
export interface RequestBody {
  /** RFC 8785 text of {"action","payload"}: the bytes that were digested. */
  readonly canonical: Text;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** The approval as it was sent (JSON text); null in demo mode. */
  readonly approvalText: string | null;
}

/** The part of a request that a view shows. */
export interface RequestSalt {
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** Bytes of all that is kept of it. */
  readonly length: number;
}

export interface ResultBody {
  readonly canonical: Text;
  /** OpenExec's receipt, hex of 32 bytes; absent in rows that were written before it was kept. */
  readonly legacyReceipt?: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** The claim that a reservation makes on its approval. */
export interface ApprovalClaim {
  readonly scheme: ApprovalScheme;
  readonly iss: string;
  readonly jti: string;
  readonly uses: number;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** SHA-256 of the signed body, 32 bytes: another body under the same (iss, jti) is refused. */
  readonly bodyDigest: Uint8Array;
}

export interface Reservation {
  /** Without the fields that the reservation itself decides. */
  readonly record: Omit<ExecutionRecord, "reservedAtMs" | "status">;
  readonly body: RequestBody;
  readonly retention: Retention;
  readonly claim: ApprovalClaim | null;
  /**
   * Checks expiry and trust once more, inside the transaction and before the first write. Throws a
   * Refusal.
   */
  readonly recheck: (nowMs: number) => void;
  /** The proposal that this starts: it stops waiting in the same transaction. null for none. */
  readonly start: Start | null;
}

export interface Settlement {
  readonly id: string;
  readonly status: Exclude<ExecutionStatus, "reserved">;
  readonly code: ErrorCode | null;
  readonly startedAtMs: number | null;
  readonly settledAtMs: number;
  /** At most one of them is there: a failure has no result. */
  readonly result: ResultBody | null;
  /** The handler's words for whoever asked, kept as a result is. */
  readonly reason: string | null;
  readonly resultCommitment: Digest | null;
  readonly retention: Retention;
  readonly receipt: SignedReceipt;
  /** Called with the cause where result or reason could not be stored, once the rest is. */
  readonly onUnstored?: (error: unknown) => void;
}

/** Selects executions: `uid` null means everyone's, `before` is the id to go on from. */
export interface ListFilter {
  readonly uid: number | null;
  readonly limit: number;
  readonly before?: string;
}

/** Reads the log as it is on disk. */
export interface LogReader extends NodeReader {
  /** Returns the number of leaves. */
  size(): number;
  leaf(index: number): LoggedReceipt | undefined;
}

/** A restore whose receipt is not in the log yet. */
export interface Restoration {
  /** In ms since 1970. */
  readonly atMs: number;
  /** Approvals issued before this second, since 1970, are refused. */
  readonly fenceSeconds: number;
}

export interface PruneReport {
  readonly bodies: number;
  readonly buckets: number;
  readonly done: boolean;
}

export interface LedgerHealth {
  /** null if it can be written. */
  readonly refusing: Extract<ErrorCode, "storage_full" | "ledger_unavailable"> | null;
  readonly halted: boolean;
  readonly pruningPaused: boolean;
}

export interface LedgerStatistics {
  readonly executions: number;
  readonly unsettled: number;
  readonly logSize: number;
  readonly fileBytes: number;
  /** When the stored body that expires first does or did, in ms since 1970; null without any. */
  readonly oldestUnprunedMs: number | null;
}
