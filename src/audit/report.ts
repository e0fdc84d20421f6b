/** What an audit reports: that everything holds, or the first thing that does not. */

import type { ChainedKey } from "../log/key_chain.ts";

export type AuditCode =
  /** The text is not what an export writes. */
  | "export_malformed"
  /** No entry at all, so no first key either. */
  | "log_empty"
  /** An entry is missing, doubled or elsewhere. */
  | "entry_out_of_order"
  | "body_malformed"
  /** Not signed as the key that the log gives for it, or entry 0 names no key. */
  | "key_unknown"
  | "signature_invalid"
  | "executor_mismatch"
  /** A stored node of the tree is not what the entries make. */
  | "tree_mismatch"
  /** The log has fewer or more entries than it should. */
  | "size_mismatch"
  | "checkpoint_malformed"
  | "checkpoint_not_signed"
  /** The first entries are not those that the checkpoint saw. */
  | "checkpoint_mismatch"
  /** No key that was asked to be trusted vouches for the whole log. */
  | "untrusted"
  | "receipt_without_execution"
  | "execution_without_receipt"
  /** Ledger and receipt say different things of one execution. */
  | "execution_mismatch"
  /** A nonce is not recorded as taken by its execution, or one is by none. */
  | "nonce_mismatch"
  /** What the ledger counts of an approval is not what executions took, or one that nobody used or revoked is known. */
  | "approval_mismatch"
  /** The log has an approval revoked, and the ledger has not. */
  | "revocation_missing"
  /** Those that the ledger lists as unsettled are not those that are. */
  | "unsettled_mismatch"
  /** Not as many executions are listed by peer as there are. */
  | "peer_mismatch";

export interface AuditProblem {
  readonly code: AuditCode;
  /** Of the first bad entry; null when it is not about one. */
  readonly index: number | null;
  /** For people; holds no payload. */
  readonly detail: string;
}

export interface AuditReport {
  readonly ok: boolean;
  /** Entries that were looked at and found good. */
  readonly entries: number;
  /** 32 bytes: root of those entries; null when an entry is bad, for by then later ones may have been taken. */
  readonly root: Uint8Array | null;
  readonly executorId: string | null;
  /** Oldest first. */
  readonly keys: readonly ChainedKey[];
  /** Whether a key that the caller trusts vouches for the log; false when none was given. */
  readonly anchored: boolean;
  readonly problem: AuditProblem | null;
}

export function problem(code: AuditCode, index: number | null, detail: string): AuditProblem {
  return { code, index, detail };
}
