/** An execution as the daemon shows it, with the members of the wire: SDK and curl agree. */

import { isJsonObject } from "../core/json/json.ts";
import { oneOf, open, string } from "../core/shape.ts";
import {
  EXECUTION_STATUSES,
  type ExecutionStatus,
  type Json,
  type JsonObject,
} from "../core/types.ts";

export interface Execution<Result = Json> {
  /** UUIDv7. */
  readonly id: string;
  readonly action: string;
  readonly status: ExecutionStatus;
  /** Always true, as in OpenExec: also in demo mode, which `exec_mode` tells. */
  readonly approved: boolean;
  /** "demo" for an execution without an approval; absent otherwise. */
  readonly exec_mode?: string;
  /** null unless it succeeded, once it is pruned, and when an operator declared the success. */
  readonly result: Result | null;
  readonly replayed: boolean;
  /** Hex SHA-256 as OpenExec computes it; null without a result. */
  readonly receipt: string | null;
  /** The signed receipt, a DSSE envelope; null while it still runs. */
  readonly attestation: JsonObject | null;
  /** Base64 of the 32-byte salts that open the receipt's commitments, while they are kept. */
  readonly salts: { readonly request?: string; readonly result?: string };
  readonly log_index: number | null;
  /** A code of the error table; absent while it runs and when it succeeded. */
  readonly code?: string;
  /** The handler's words about its failure, at most 500 characters; absent where it has none. */
  readonly reason?: string;
  readonly result_pruned?: boolean;
  /** In a list: what the daemon keeps of it does not open, for the vault has lost its key. */
  readonly unreadable?: boolean;
  readonly resolved?: boolean;
}

const isExecution = open({
  id: string,
  action: string,
  status: oneOf<ExecutionStatus>(...EXECUTION_STATUSES),
});

/** Returns undefined for no execution object. Keeps members this SDK does not know, in order. */
export function executionOf(value: Json): Execution | undefined {
  if (!isJsonObject(value)) return undefined;
  const { code, reason, ...members } = value;
  const { approved, result, replayed, receipt, attestation, salts, log_index } = members;
  if (!isExecution(members)) return undefined;
  const { id, action, status } = members;
  return {
    ...members,
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof reason === "string" ? { reason } : {}),
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

/** A part of a list. */
export interface ExecutionsPage {
  readonly executions: readonly Execution[];
  /** The id to go on from; null where there are no more. */
  readonly next: string | null;
}

/** Returns undefined when it is no list of executions. */
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
