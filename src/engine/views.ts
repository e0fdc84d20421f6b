/** The shapes of the answers to GET, and the truth about the daemon's health. */

import type { Presentation } from "../core/presentation.ts";
import type { Digest, JsonObject } from "../core/types.ts";
import type { Requirement } from "../core/approvers_needed.ts";
import type { EngineParts } from "./types.ts";
import type { ExecutionView } from "./view.ts";

/** GET /: OpenExec 0.1.10's members, and what approvals have to name. */
export type ServiceView = {
  readonly service: string;
  readonly status: string;
  readonly version: string;
  readonly executor_id: string;
  readonly tenant: string | null;
};

/**
 * GET /health: OpenExec 0.1.10's exec_mode, signature_verification, restriction, and allow_list or
 * warning, and more of ours. "healthy" exactly when the answer is a 200.
 */
export type HealthView = JsonObject & { readonly status: "healthy" | "unhealthy" };

export type ActionView = Presentation & {
  readonly name: string;
  readonly input_schema: JsonObject;
  readonly output_schema: JsonObject;
  readonly idempotent: boolean;
  /** Distinct approvers needed, by group where the action names groups; 0 in demo mode. */
  readonly approvals: number | Readonly<Record<string, number>>;
  /** How strong a key each signature needs. */
  readonly require: Requirement;
  readonly grants: JsonObject;
  readonly handler_digest: Digest;
};

/** Executions, newest first. `next` is the id to go on from with `before`; null: no more. */
export type ExecutionsView = {
  readonly executions: readonly ExecutionView[];
  readonly next: string | null;
};

/** A receipt to keep: the signed envelope, and its C2SP tlog-proof against a checkpoint. */
export type ReceiptView = {
  readonly log_index: number;
  readonly attestation: JsonObject;
  readonly tlog_proof: string;
};

/** The executor's keys: each receipt is signed by the key before, the first by its own. */
export type KeysView = {
  readonly keys: readonly Omit<ReceiptView, "tlog_proof">[];
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

export function healthOf(
  parts: Pick<EngineParts, "config" | "ledger" | "executors" | "trust">,
  isDraining: boolean,
): HealthView {
  const { config, ledger, executors, trust } = parts;
  const { kernel, missing, unconfined } = executors.box;
  const isDemo = ledger.mode === "demo";
  const refusing = reasonsToRefuse(parts, isDraining);
  return {
    status: refusing.length === 0 ? "healthy" : "unhealthy",
    exec_mode: isDemo ? "demo" : trust.takesClawshield ? "clawshield" : "enforced",
    signature_verification: isDemo ? "disabled" : "enabled",
    ...restrictionOf(config.allowedActions),
    box: { kernel, missing: [...missing], unconfined: [...unconfined] },
    ...(config.developmentApprover === null ? {} : { development_approver: true }),
    ...(refusing.length === 0 ? {} : { refusing }),
  };
}

/** In OpenExec 0.1.10's own words, which its clients may compare. */
function restrictionOf(
  allowed: ReadonlySet<string> | null,
): { restriction: "open"; warning: string } | { restriction: "restricted"; allow_list: string[] } {
  return allowed === null
    ? { restriction: "open", warning: "No execution allow-list configured" }
    : { restriction: "restricted", allow_list: [...allowed] };
}

/** The codes that a request would be refused with, in the order in which it meets them. */
export function reasonsToRefuse(
  { ledger, executors }: Pick<EngineParts, "ledger" | "executors">,
  isDraining: boolean,
): string[] {
  const { halted, refusing } = ledger.health();
  return [
    ...(halted ? ["halted"] : []),
    ...(isDraining ? ["draining"] : []),
    ...(executors.healthy() ? [] : ["executor_unavailable"]),
    ...(refusing === null ? [] : [refusing]),
  ];
}
