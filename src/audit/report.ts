/** The report of an audit: that everything holds, or the first thing that does not. */

import type { ChainedKey } from "../log/key_chain.ts";

export type AuditCode =
  /** The text is not what an export writes. */
  | "export_malformed"
  /** There is no entry at all, and so no first key. */
  | "log_empty"
  /** An entry is missing, doubled or elsewhere. */
  | "entry_out_of_order"
  | "body_malformed"
  /** The log gives another key to sign the entry, or entry 0 names none. */
  | "key_unknown"
  | "signature_invalid"
  | "executor_mismatch"
  /** A stored node of the tree is not what the entries make. */
  | "tree_mismatch"
  /** The log has fewer or more entries than it should. */
  | "size_mismatch"
  | "checkpoint_malformed"
  | "checkpoint_not_signed"
  /** The entries are not those that the checkpoint saw. */
  | "checkpoint_mismatch"
  /** No key that was asked to be trusted vouches for the whole log. */
  | "untrusted"
  | "receipt_without_execution"
  | "execution_without_receipt"
  /** Ledger and receipt say different things of one execution. */
  | "execution_mismatch"
  /** Ledger and log say different things of one proposal, or it both ran and did not. */
  | "proposal_mismatch"
  /** A proposal is over, and the log does not say so. */
  | "proposal_without_receipt"
  /** An execution does not hold its nonce, or something else holds one. */
  | "nonce_mismatch"
  /** Uses of an approval are not those that executions took, or nothing explains its row. */
  | "approval_mismatch"
  /** The log has an approval revoked, and the ledger has not. */
  | "revocation_missing"
  /** The executions listed as unsettled are not those that are. */
  | "unsettled_mismatch"
  /** An execution is not listed under its peer. */
  | "peer_mismatch";

export interface AuditProblem {
  readonly code: AuditCode;
  /** Index of the first bad entry; null where the problem is not about one. */
  readonly index: number | null;
  /** For people; holds no payload. */
  readonly detail: string;
}

export interface AuditReport {
  readonly ok: boolean;
  /** Number of entries that were looked at and found good. */
  readonly entries: number;
  /** The root of these, 32 bytes; null where an entry is bad. */
  readonly root: Uint8Array | null;
  readonly executorId: string | null;
  /** The keys that the log names, the oldest first. */
  readonly keys: readonly ChainedKey[];
  /** Whether a key that the caller trusts vouches for the log; false where none was given. */
  readonly anchored: boolean;
  readonly problem: AuditProblem | null;
}

export function problem(code: AuditCode, index: number | null, detail: string): AuditProblem {
  return { code, index, detail };
}
