/**
 * What can be looked at over HTTP. The server only asks here and writes down what it is told; engine/inspect.ts answers.
 *
 * Invariant: `visibleTo` is the uid whose executions may be seen, null for everyone's (an admin socket). What may not be seen
 * is answered exactly as what does not exist: Refusal execution_not_found.
 */

import type { JsonNode } from "../core/json.ts";
import type { Digest, JsonObject } from "../core/types.ts";
import type { SocketConfig } from "../config/config.ts";
import type { ExecutionView } from "./types.ts";

/** GET /: OpenExec 0.1.10's fields, and what approvals have to name. */
export type ServiceView = {
  readonly service: string;
  readonly status: string;
  readonly version: string;
  readonly executor_id: string;
  readonly tenant: string | null;
};

/**
 * GET /health: exec_mode, signature_verification, restriction, and allow_list or warning, as OpenExec 0.1.10 has them, with
 * whatever else is worth knowing. `status` is "healthy" exactly when the answer is a 200.
 */
export type HealthView = JsonObject & { readonly status: "healthy" | "unhealthy" };

export type ActionView = {
  readonly name: string;
  readonly input_schema: JsonObject;
  readonly output_schema: JsonObject;
  /** Distinct approvers needed; 0 in demo mode. */
  readonly approvals: number;
  readonly grants: JsonObject;
  readonly handler_digest: Digest;
};

/** A receipt as it can be kept: the signed envelope, and its C2SP tlog-proof (text) against the newest checkpoint. */
export type ReceiptView = {
  readonly log_index: number;
  readonly attestation: JsonObject;
  readonly tlog_proof: string;
};

/** RFC 9162 section 2.1.3; hashes are base64. */
export type InclusionProofView = {
  readonly log_index: number;
  readonly tree_size: number;
  readonly leaf_hash: string;
  readonly root_hash: string;
  readonly hashes: readonly string[];
};

/** RFC 9162 section 2.1.4; hashes are base64. */
export type ConsistencyProofView = {
  readonly from: number;
  readonly to: number;
  readonly from_root_hash: string;
  readonly root_hash: string;
  readonly hashes: readonly string[];
};

/** Some executions, newest first. `next` is the id to go on from with `before`, null where there are no more. */
export type ExecutionsView = {
  readonly executions: readonly ExecutionView[];
  readonly next: string | null;
};

export interface Inspector {
  service(): ServiceView;
  health(): HealthView;
  /** false while the ledger cannot be written, no executor can be had, the daemon drains or is halted. */
  ready(): boolean;
  /** What this socket may ask for. */
  actions(socket: SocketConfig): readonly ActionView[];

  /** Throws a Refusal: execution_not_found. */
  find(id: string, visibleTo: number | null): ExecutionView;
  /** Throws a Refusal: execution_not_found. */
  findByNonce(nonce: string, visibleTo: number | null): ExecutionView;
  /** At most `limit`, and fewer where they are large; `before` is an id to go on from. */
  list(visibleTo: number | null, limit: number, before: string | null): Promise<ExecutionsView>;

  /** Throws a Refusal: execution_not_found. */
  receipt(logIndex: number, visibleTo: number | null): ReceiptView;
  /** The newest signed checkpoint (C2SP tlog-checkpoint), text that ends in a line feed. */
  checkpoint(): string;
  /** Throws a Refusal: execution_not_found when there is no such leaf or no tree of that size. `size` null: the newest. */
  inclusionProof(logIndex: number, size: number | null): InclusionProofView;
  /** Throws a Refusal: execution_not_found unless 0 < from <= to <= size of the log. `to` null: the newest. */
  consistencyProof(from: number, to: number | null): ConsistencyProofView;
  /** OpenExec 0.1.10's unkeyed receipt: whether it is the hash of that id and result. Proves nothing about who made it. */
  isLegacyReceipt(executionId: string, result: JsonNode, receipt: string): boolean;

  /** What `openexec status` shows. */
  status(): JsonObject;
  /** Prometheus text exposition format 0.0.4. */
  metrics(): string;
}
