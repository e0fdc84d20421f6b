/** An execution as the daemon shows it, member for member as on the wire, so that SDK, curl and socat agree. */

import type { ExecutionStatus, Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "./json.ts";

export interface Execution<Result = Json> {
  /** UUIDv7. */
  readonly id: string;
  readonly action: string;
  readonly status: ExecutionStatus;
  /** Always true, as OpenExec has it: also in demo mode, which `exec_mode` tells. */
  readonly approved: boolean;
  /** "demo" where nobody approved it; absent otherwise. */
  readonly exec_mode?: string;
  /** null unless it succeeded, once pruned, and when an operator declared the success. */
  readonly result: Result | null;
  readonly replayed: boolean;
  /** Hex SHA-256 as OpenExec computes it; null without a result. */
  readonly receipt: string | null;
  /** The signed receipt, a DSSE envelope; null while it still runs. */
  readonly attestation: JsonObject | null;
  /** Base64 of the 32-byte salts that open the receipt's commitments, while they are kept. */
  readonly salts: { readonly request?: string; readonly result?: string };
  readonly log_index: number | null;
  /** Of the error table; absent while it runs and when it succeeded. */
  readonly code?: string;
  readonly result_pruned?: boolean;
  readonly resolved?: boolean;
}

const STATUSES: ReadonlySet<string> = new Set<ExecutionStatus>([
  "reserved",
  "succeeded",
  "failed",
  "timed_out",
  "crashed",
  "outcome_unknown",
]);

function isStatus(value: Json | undefined): value is ExecutionStatus {
  return typeof value === "string" && STATUSES.has(value);
}

/** undefined when it is no execution object. Members this SDK does not know are kept, and so is their order. */
export function executionOf(value: Json): Execution | undefined {
  if (!isJsonObject(value)) return undefined;
  const { code, ...members } = value;
  const { id, action, status, approved, result, replayed, receipt, attestation, salts, log_index } =
    members;
  if (typeof id !== "string" || typeof action !== "string" || !isStatus(status)) return undefined;
  return {
    ...members,
    ...(typeof code === "string" ? { code } : {}),
    id,
    action,
    status,
    approved: approved === true,
    result: result ?? null,
    replayed: replayed === true,
    receipt: typeof receipt === "string" ? receipt : null,
    attestation: isJsonObject(attestation) ? attestation : null,
    salts: saltsOf(salts),
    log_index: typeof log_index === "number" ? log_index : null,
  };
}

/** Some of a list. */
export interface ExecutionsPage {
  readonly executions: readonly Execution[];
  /** The id to go on from; null where there are no more, and where there were none. */
  readonly next: string | null;
}

/** undefined when it is no list of them. */
export function executionsOf(value: Json): ExecutionsPage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { executions: listed, next } = value;
  if (!Array.isArray(listed)) return undefined;
  const executions = listed.map(executionOf).filter((execution) => execution !== undefined);
  if (executions.length !== listed.length) return undefined;
  return { executions, next: typeof next === "string" && executions.length > 0 ? next : null };
}

function saltsOf(value: Json | undefined): Execution["salts"] {
  if (!isJsonObject(value)) return {};
  const { request, result } = value;
  return {
    ...(typeof request === "string" ? { request } : {}),
    ...(typeof result === "string" ? { result } : {}),
  };
}
